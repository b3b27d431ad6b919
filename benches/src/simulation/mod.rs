//! Simulations of what a statistic promises: how often it alarms where nothing has changed, and how often
//! it finds what has. Seeded, so that a figure can be taken again.

mod categories;
mod draw;
mod report;
mod rows;
mod values;

use std::fmt;

use mlops_core::{
    random::RandomKey,
    stats::{binomial, proportion::Proportion},
};

use self::draw::Draw;
use crate::Result;

/// The level at which everything is tested.
const ALPHA: f64 = 0.05;

/// How improbable a rate must be to break a promise: some hundred are looked at.
const CHANCE: f64 = 1e-6;

/// Something that is tried again and again.
pub struct Simulation {
    /// The statistic.
    pub name: &'static str,
    /// The data.
    pub data: String,
    /// What the statistic promises of how often it alarms.
    pub promise: Promise,
    trial: Box<Trial>,
}

/// One try: whether it alarmed.
type Trial = dyn Fn(&mut Draw) -> Result<bool>;

/// What is promised of the share of tries that alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// It is the level.
    Nominal,
    /// It is near the level, within a third: a law in the limit, for samples that are not large.
    Near,
    /// It is no more than the level: because of ties, or because a bound is tested.
    AtMost,
    /// Nothing; how much is found is to be seen.
    Power,
}

/// How often something alarmed.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    alarms: u64,
    trials: u64,
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Simulation> {
    let all = [
        values::simulations(),
        categories::simulations(),
        rows::simulations(),
        report::simulations(),
    ];
    all.into_iter().flatten().collect()
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.data)
    }
}

impl Simulation {
    fn new(
        name: &'static str,
        data: impl Into<String>,
        promise: Promise,
        trial: impl Fn(&mut Draw) -> Result<bool> + 'static,
    ) -> Self {
        Self { name, data: data.into(), promise, trial: Box::new(trial) }
    }

    /// Tries it so often.
    ///
    /// # Errors
    /// What the statistic says of data that it should take.
    pub fn run(&self, trials: u64) -> Result<Rate> {
        let key = RandomKey::from_seed(1).derive(&format!("{self:?}"));
        let mut alarms = 0;
        for trial in 0..trials {
            alarms += u64::from((self.trial)(&mut Draw::new(key.stream(trial)))?);
        }
        Ok(Rate { alarms, trials })
    }
}

impl Rate {
    /// The share.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.alarms as f64 / self.trials as f64
    }

    /// Whether it may be what was promised.
    #[must_use]
    pub fn keeps(&self, promise: Promise) -> bool {
        let so_many = |rate| {
            let others = self.alarms.checked_sub(1);
            others.map_or(1.0, |alarms| binomial::sf(alarms, self.trials, rate)) > CHANCE
        };
        let so_few = |rate| binomial::cdf(self.alarms, self.trials, rate) > CHANCE;
        match promise {
            Promise::Nominal => so_many(ALPHA) && so_few(ALPHA),
            Promise::Near => so_many(ALPHA * 4.0 / 3.0) && so_few(ALPHA * 2.0 / 3.0),
            Promise::AtMost => so_many(ALPHA),
            Promise::Power => true,
        }
    }
}

/// The share in percent, with the half of its interval of 95 %.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval =
            Proportion::new(self.alarms, self.trials).and_then(|rate| rate.wilson_interval(0.95));
        let half = interval.map_or(0.0, |interval| interval.width() / 2.0);
        write!(f, "{:.2} ± {:.2} %", 100.0 * self.share(), 100.0 * half)
    }
}

//! Proportions: how many of how many. Tests of two, and intervals of one and of a difference.

mod fisher;
mod interval;
mod two_sample;
mod z_test;

pub use self::{
    fisher::fisher_exact_test,
    interval::newcombe_interval,
    two_sample::{needs_exact_test, two_proportion_test},
    z_test::two_proportion_z_test,
};
use crate::{Error, Result};

/// Successes among trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proportion {
    successes: u64,
    trials: u64,
}

impl Proportion {
    /// This many successes among this many trials.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are no trials, or fewer than successes.
    pub fn new(successes: u64, trials: u64) -> Result<Self> {
        if trials == 0 {
            return Err(Error::invalid("proportion", "it has no trials"));
        }
        if successes > trials {
            let reason = format_args!("it has {successes} successes among {trials} trials");
            return Err(Error::invalid("proportion", reason));
        }
        Ok(Self { successes, trials })
    }

    /// How many succeeded.
    #[must_use]
    pub fn successes(&self) -> u64 {
        self.successes
    }

    /// How many there were.
    #[must_use]
    pub fn trials(&self) -> u64 {
        self.trials
    }

    /// How many did not succeed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.trials - self.successes
    }

    /// The share that succeeded, in `[0, 1]`.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.successes as f64 / self.trials as f64
    }
}

//! [`OnlineFdr`]: false discoveries among tests that never end.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Decides over a stream of p-values, each when it comes, so that at any time the expected share of false
/// ones among all rejections so far is at most [`alpha`](OnlineFdrOptions::alpha).
///
/// That holds for p-values that are independent under the null hypothesis. A
/// [`Correction`](super::correction::Correction) bounds the errors of one family of tests; repeated every
/// hour, it makes its share of errors every hour. This pays for each test out of a wealth that rejections
/// earn back, so that monitoring for ever does not mean alarms for ever.
///
/// With `γ` a fixed sequence that falls and sums to at most 1, `W₀` the initial wealth and `τ_j` the time of the
/// j-th rejection, the level of test `t` is
///
/// - LORD++ (Ramdas, Yang, Wainwright and Jordan 2017, "Online control of the false discovery rate with
///   decaying memory"): `W₀ γ(t) + (α - W₀) γ(t - τ₁) + α Σ_{j≥2} γ(t - τ_j)`,
/// - SAFFRON (Ramdas, Zrnic, Wainwright and Jordan 2018, algorithm 1): the same, times `1 - λ` and at most
///   `λ`, where only tests with a p-value above `λ` make the arguments of `γ` grow.
///
/// **Memory** is bounded: beyond the first rejection, only the latest
/// [`max_rejections`](OnlineFdrOptions::max_rejections) count. Leaving terms out lowers levels and so keeps
/// the bound; the terms left out are the smallest. A test takes one `γ` for each that counts.
///
/// ```
/// use mlops_core::stats::online_fdr::{OnlineFdr, OnlineFdrOptions};
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut tests = OnlineFdr::new(OnlineFdrOptions::default())?;
/// assert!(!tests.test(0.2)?.rejected);
/// assert!(tests.test(1e-6)?.rejected);
/// assert_eq!((tests.tests(), tests.rejections()), (2, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnlineFdr {
    options: OnlineFdrOptions,
    tests: u64,
    rejections: u64,
    /// Tests that made the arguments of γ grow.
    age: u64,
    /// What `age` was after the first rejection.
    first: Option<u64>,
    /// The same of later ones.
    later: VecDeque<u64>,
}

/// How an [`OnlineFdr`] spends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OnlineFdrOptions {
    /// The rule.
    pub procedure: OnlineProcedure,
    /// The false discovery rate that is allowed, in (0, 1).
    pub alpha: f64,
    /// `W₀` as a share of `alpha`, in (0, 1): how much may be spent before the first rejection.
    pub initial_wealth: f64,
    /// How many rejections count besides the first.
    pub max_rejections: usize,
}

/// The rule of an [`OnlineFdr`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnlineProcedure {
    /// LORD++: right if few or no hypotheses are false.
    LordPlusPlus,
    /// SAFFRON: more rejections where many hypotheses are false.
    Saffron {
        /// `λ` in (0, 1): a p-value up to here costs nothing, since it may be of a false hypothesis.
        candidate: f64,
    },
}

impl Default for OnlineFdrOptions {
    /// LORD++ at 0.05, half of the wealth at the start, 1000 rejections.
    fn default() -> Self {
        Self {
            procedure: OnlineProcedure::LordPlusPlus,
            alpha: 0.05,
            initial_wealth: 0.5,
            max_rejections: 1000,
        }
    }
}

impl OnlineFdrOptions {
    /// With this [`procedure`](Self::procedure).
    #[must_use]
    pub fn with_procedure(mut self, procedure: OnlineProcedure) -> Self {
        self.procedure = procedure;
        self
    }

    /// With this [`alpha`](Self::alpha).
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// With this [`initial_wealth`](Self::initial_wealth).
    #[must_use]
    pub fn with_initial_wealth(mut self, initial_wealth: f64) -> Self {
        self.initial_wealth = initial_wealth;
        self
    }

    /// With this [`max_rejections`](Self::max_rejections).
    #[must_use]
    pub fn with_max_rejections(mut self, max_rejections: usize) -> Self {
        self.max_rejections = max_rejections;
        self
    }
}

/// What an [`OnlineFdr`] says of one test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OnlineDecision {
    /// The level the p-value was held to.
    pub level: f64,
    /// True if it was at most that.
    pub rejected: bool,
}

impl OnlineFdr {
    /// No tests yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an option that is not between 0 and 1.
    pub fn new(options: OnlineFdrOptions) -> Result<Self> {
        let share = |what, value: f64| {
            if value > 0.0 && value < 1.0 {
                Ok(())
            } else {
                Err(Error::invalid(what, format_args!("{value} is not between 0 and 1")))
            }
        };
        share("alpha", options.alpha)?;
        share("initial wealth", options.initial_wealth)?;
        if let OnlineProcedure::Saffron { candidate } = options.procedure {
            share("candidate threshold", candidate)?;
        }
        Ok(Self { options, tests: 0, rejections: 0, age: 0, first: None, later: VecDeque::new() })
    }

    /// Decides about the next test.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a p-value that is not in `[0, 1]`: it is not counted.
    pub fn test(&mut self, p_value: f64) -> Result<OnlineDecision> {
        if !(0.0..=1.0).contains(&p_value) {
            return Err(Error::invalid("p-value", format_args!("{p_value} is not in [0, 1]")));
        }
        let level = self.level();
        let rejected = p_value <= level;
        self.tests += 1;
        self.age += match self.options.procedure {
            OnlineProcedure::LordPlusPlus => 1,
            OnlineProcedure::Saffron { candidate } => u64::from(p_value > candidate),
        };
        if rejected {
            self.rejections += 1;
            if self.first.is_none() {
                self.first = Some(self.age);
            } else {
                self.later.push_back(self.age);
                while self.later.len() > self.options.max_rejections {
                    self.later.pop_front();
                }
            }
        }
        Ok(OnlineDecision { level, rejected })
    }

    /// The level the next p-value will be held to.
    #[must_use]
    pub fn level(&self) -> f64 {
        let OnlineFdrOptions { alpha, initial_wealth, procedure, .. } = self.options;
        let since = |age: u64| procedure.gamma(self.age.saturating_sub(age) + 1);
        let earned = self.first.map_or(0.0, |age| (1.0 - initial_wealth) * since(age))
            + self.later.iter().map(|age| since(*age)).sum::<f64>();
        let level = alpha * (initial_wealth * since(0) + earned);
        match procedure {
            OnlineProcedure::LordPlusPlus => level,
            OnlineProcedure::Saffron { candidate } => ((1.0 - candidate) * level).min(candidate),
        }
    }

    /// Tests so far.
    #[must_use]
    pub fn tests(&self) -> u64 {
        self.tests
    }

    /// Rejections so far.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejections
    }
}

impl OnlineProcedure {
    /// The sequence `γ(j)`, j from 1.
    fn gamma(self, j: u64) -> f64 {
        let j = j as f64;
        match self {
            // Javanmard and Montanari (2018), equation 31, with the factor everyone uses: the sum is 0.976.
            Self::LordPlusPlus => 0.077_208_38 * j.max(2.0).ln() / (j * j.ln().sqrt().exp()),
            // Ramdas et al. (2018), section 4; over ζ(1.6), rounded down.
            Self::Saffron { .. } => 0.437_490_165_8 * j.powf(-1.6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAFFRON: OnlineProcedure = OnlineProcedure::Saffron { candidate: 0.5 };

    #[test]
    fn gammas_fall_and_sum_to_no_more_than_one() {
        const END: u64 = 200_000;
        let end = END as f64;
        // The integrals from there on: with u = √(ln x), 2 ∫ u³ e^-u du; and x^-0.6 / 0.6.
        let u = end.ln().sqrt();
        let lord = 0.077_208_38 * 2.0 * (-u).exp() * (u.powi(3) + 3.0 * u * u + 6.0 * u + 6.0);
        let saffron = 0.437_490_165_8 * end.powf(-0.6) / 0.6;
        for (procedure, rest, expected) in
            [(OnlineProcedure::LordPlusPlus, lord, 0.976_308), (SAFFRON, saffron, 1.0)]
        {
            let (mut sum, mut last) = (0.0, f64::INFINITY);
            for j in 1..END {
                let gamma = procedure.gamma(j);
                assert!(gamma <= last, "{procedure:?} {j}");
                sum += gamma;
                last = gamma;
            }
            let total = sum + 0.5 * last + rest;
            assert!((total - expected).abs() < 1e-6, "{procedure:?} {total}");
        }
    }

    #[test]
    fn nonsense_is_refused_and_not_counted() {
        let options = OnlineFdrOptions::default();
        for options in [
            options.with_alpha(0.0),
            options.with_alpha(f64::NAN),
            options.with_initial_wealth(1.0),
            options.with_procedure(OnlineProcedure::Saffron { candidate: 1.0 }),
        ] {
            assert!(matches!(OnlineFdr::new(options), Err(Error::InvalidArgument { .. })));
        }
        let mut tests = OnlineFdr::new(options).unwrap();
        let before = tests.clone();
        for p_value in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(tests.test(p_value), Err(Error::InvalidArgument { .. })));
        }
        assert_eq!(tests, before);
    }

    #[test]
    fn memory_is_bounded_and_forgetting_lowers_levels() {
        for procedure in [OnlineProcedure::LordPlusPlus, SAFFRON] {
            let options = OnlineFdrOptions::default().with_procedure(procedure);
            let mut all = OnlineFdr::new(options).unwrap();
            let mut few = OnlineFdr::new(options.with_max_rejections(10)).unwrap();
            for test in 0..500 {
                let p_value = if test % 3 == 0 { 0.9 } else { 0.0 };
                let (level, lower) =
                    (all.test(p_value).unwrap().level, few.test(p_value).unwrap().level);
                assert!(lower <= level, "{procedure:?} {test}");
            }
            assert_eq!((few.later.len(), few.rejections()), (10, all.rejections()));
        }
    }
}

//! [`MeanTest`].

use serde::{Deserialize, Serialize};

use super::{bets::Bets, bounded};
use crate::{Error, Result};

/// A test, for ever, that observations in `[0, 1]` have a given mean.
///
/// Two gamblers bet against that mean `m`, one that it is higher and one that it is lower; if it is the
/// mean, neither can expect to gain. What they hold together, having started with 1, is an e-process: the
/// probability that it ever reaches `1/α` is at most `α` (Ville 1939). The hedged capital of Waudby-Smith
/// and Ramdas (2024), theorem 3:
/// `½ Π (1 + λ⁺_i (x_i - m)) + ½ Π (1 - λ⁻_i (x_i - m))`, where the bets are predictable plug-ins, cut at
/// `½/m` and `½/(1 - m)`.
///
/// ```
/// use mlops_core::stats::confidence_sequence::MeanTest;
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut test = MeanTest::new(0.5)?;
/// for _ in 0..50 {
///     test.update(0.9)?;
/// }
/// assert!(test.p_value() < 0.001);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanTest {
    mean: f64,
    bets: Bets,
    /// Logarithms of what the gamblers on a higher and on a lower mean hold, and of the most that both
    /// together have held.
    ln_higher: f64,
    ln_lower: f64,
    ln_most: f64,
}

/// The level at which the bets are about the best. Others are valid too.
const TUNED_FOR: f64 = 0.05;

/// The share of what a gambler holds that one observation may cost.
const MAX_LOSS: f64 = 0.5;

impl MeanTest {
    /// No observations yet, against this mean.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a mean that is not between 0 and 1: either end is refuted by the
    /// first observation that is not there.
    pub fn new(mean: f64) -> Result<Self> {
        if mean > 0.0 && mean < 1.0 {
            let bets = Bets::new(TUNED_FOR);
            Ok(Self { mean, bets, ln_higher: 0.0, ln_lower: 0.0, ln_most: 0.0 })
        } else {
            Err(Error::invalid("mean", format_args!("{mean} is not between 0 and 1")))
        }
    }

    /// Takes in one observation.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one that is not in `[0, 1]`: nothing has changed then.
    pub fn update(&mut self, value: f64) -> Result<()> {
        let value = bounded(value)?;
        let stake = self.bets.next();
        let gain = value - self.mean;
        self.ln_higher += (stake.min(MAX_LOSS / self.mean) * gain).ln_1p();
        self.ln_lower += (-stake.min(MAX_LOSS / (1.0 - self.mean)) * gain).ln_1p();
        self.bets.update(value);
        self.ln_most = self.ln_most.max(self.ln_e_value());
        Ok(())
    }

    /// The logarithm of the e-value, which may be more than a double holds.
    #[must_use]
    pub fn ln_e_value(&self) -> f64 {
        let (most, least) = (self.ln_higher.max(self.ln_lower), self.ln_higher.min(self.ln_lower));
        most + (0.5 + 0.5 * (least - most).exp()).ln()
    }

    /// What one unit staked against the mean has become; at most the largest finite number. E-values of
    /// independent or dependent streams may be averaged.
    #[must_use]
    pub fn e_value(&self) -> f64 {
        self.ln_e_value().exp().min(f64::MAX)
    }

    /// A p-value that holds at all times at once: one over the largest e-value so far. It never rises.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        (-self.ln_most).exp()
    }

    /// Observations so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bets.count()
    }
}

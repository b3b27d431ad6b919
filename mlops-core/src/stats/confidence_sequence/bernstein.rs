//! [`EmpiricalBernstein`].

use serde::{Deserialize, Serialize};

use super::{bets::Bets, bounded};
use crate::{
    Result,
    stats::{Interval, interval::error_rate},
};

/// A confidence sequence for the mean of observations in `[0, 1]`, as narrow as their variance allows.
///
/// The predictable plug-in empirical Bernstein sequence, theorem 2 of Waudby-Smith and Ramdas (2024),
/// "Estimating means of bounded random variables by betting": with bets `λ_i` of at most ½ made before `x_i`
/// is seen and `v_i = 4 (x_i - μ̂_{i-1})²`,
/// `Σ λ_i x_i / Σ λ_i ± (ln(2/α) + Σ v_i ψ(λ_i)) / Σ λ_i`, where `ψ(λ) = (-ln(1 - λ) - λ) / 4`.
///
/// The interval is that of the moment: it is not cut down to what earlier ones have in common. That would
/// be a little narrower while the mean stays, and empty once it has moved.
///
/// ```
/// use mlops_core::stats::confidence_sequence::EmpiricalBernstein;
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut faithful = EmpiricalBernstein::new(0.95)?;
/// for answer in 0..1000 {
///     faithful.update(if answer % 10 == 0 { 0.0 } else { 1.0 })?;
/// }
/// let interval = faithful.interval();
/// assert!(interval.contains(0.9) && interval.width() < 0.12);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmpiricalBernstein {
    /// `ln(2/α)`.
    budget: f64,
    bets: Bets,
    /// `Σ λ`, `Σ λ x` and `Σ v ψ(λ)`.
    stakes: f64,
    weighted: f64,
    spread: f64,
}

impl EmpiricalBernstein {
    /// No observations yet. `confidence` is the probability, in (0, 1), that the mean is in the interval at
    /// all times.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a confidence that is not between 0
    /// and 1.
    pub fn new(confidence: f64) -> Result<Self> {
        let alpha = error_rate(confidence)?;
        Ok(Self {
            budget: (2.0 / alpha).ln(),
            bets: Bets::new(alpha),
            stakes: 0.0,
            weighted: 0.0,
            spread: 0.0,
        })
    }

    /// Takes in one observation.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for one that is not in `[0, 1]`: nothing
    /// has changed then.
    pub fn update(&mut self, value: f64) -> Result<()> {
        let value = bounded(value)?;
        let stake = self.bets.next().min(0.5);
        self.stakes += stake;
        self.weighted += stake * value;
        self.spread += (value - self.bets.mean()).powi(2) * (-(-stake).ln_1p() - stake);
        self.bets.update(value);
        Ok(())
    }

    /// Where the mean is; `[0, 1]` before the first observation.
    #[must_use]
    pub fn interval(&self) -> Interval {
        if self.count() == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let center = self.weighted / self.stakes;
        let half = (self.budget + self.spread) / self.stakes;
        Interval { low: (center - half).max(0.0), high: (center + half).min(1.0) }
    }

    /// Observations so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bets.count()
    }
}

//! [`CompareOptions`].

use mlops_core::{Error, Result, stats::correction::Correction};
use serde::{Deserialize, Serialize};

/// What counts as drift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CompareOptions {
    /// The error rate over all tests of a comparison, whose meaning depends on the correction; in `(0, 1)`.
    pub alpha: f64,
    /// How p-values are adjusted for the number of tests.
    pub correction: Correction,
    /// The least difference of two distributions that matters, in `(0, 1]`: of the Kolmogorov–Smirnov
    /// statistic of numbers, of Cramér's V (balanced) of categories.
    pub min_effect: f64,
    /// The least difference of two shares (of nulls, of values that are not finite, of unseen categories)
    /// that matters, in `(0, 1]`.
    pub min_share: f64,
}

impl Default for CompareOptions {
    /// An error rate of 5 % by Benjamini and Hochberg; distributions that differ by 0.1, as two normal
    /// ones do whose means are a quarter of a standard deviation apart; shares that differ by 5 points.
    fn default() -> Self {
        Self {
            alpha: 0.05,
            correction: Correction::BenjaminiHochberg,
            min_effect: 0.1,
            min_share: 0.05,
        }
    }
}

impl CompareOptions {
    /// With this error rate.
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// With p-values adjusted so.
    #[must_use]
    pub fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// With this least difference of distributions.
    #[must_use]
    pub fn with_min_effect(mut self, effect: f64) -> Self {
        self.min_effect = effect;
        self
    }

    /// With this least difference of shares.
    #[must_use]
    pub fn with_min_share(mut self, share: f64) -> Self {
        self.min_share = share;
        self
    }

    /// # Errors
    /// [`Error::InvalidArgument`], naming the option that is out of its range.
    pub(crate) fn check(&self) -> Result<()> {
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(Error::invalid("alpha", format!("{} is not between 0 and 1", self.alpha)));
        }
        for (name, value) in [("min_effect", self.min_effect), ("min_share", self.min_share)] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(Error::invalid(name, format!("{value} is not above 0 and at most 1")));
            }
        }
        Ok(())
    }
}

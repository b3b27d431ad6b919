//! [`Evidence`]: what was tested of a feature, and what came of it.

use serde::{Deserialize, Serialize};

use super::verdict::Verdict;

/// A test of one aspect of a feature, with its effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// What was tested.
    pub aspect: Aspect,
    /// How.
    pub method: Method,
    /// The statistic of the test.
    pub statistic: f64,
    /// How probable one at least as large is if nothing has changed.
    pub p_value: f64,
    /// The same, adjusted for all tests of the comparison.
    pub adjusted_p_value: f64,
    /// How large the difference is.
    pub effect: Effect,
    /// What follows.
    pub verdict: Verdict,
}

/// What of a feature is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Aspect {
    /// How its values are distributed: finite numbers, or categories.
    Distribution,
    /// The share of rows that are null.
    Nulls,
    /// The share of rows, among those not null, that are NaN or infinite.
    NotFinite,
    /// The share of rows, among those not null, of a category that the reference never had.
    Unseen,
}

/// How it is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// The two-sample Kolmogorov–Smirnov test: [`ks`](crate::stats::ks).
    Ks,
    /// The same from counts in bins: [`ks_test`](crate::stats::counts::ks_test).
    BinnedKs,
    /// Pearson's chi-square test: [`chi_square`](crate::stats::counts::chi_square).
    ChiSquare,
    /// The z test of two proportions.
    ProportionsZ,
    /// Fisher's exact test, where counts are small.
    FisherExact,
}

/// How large a difference is, in a measure that does not grow with the number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// What is measured.
    pub measure: Measure,
    /// How much it is, in `[0, 1]`.
    pub value: f64,
    /// From where on it matters.
    pub threshold: f64,
}

/// What an [`Effect`] measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The largest difference of two distribution functions.
    KsDistance,
    /// [`balanced_cramers_v`](crate::stats::counts::balanced_cramers_v).
    CramersV,
    /// The absolute difference of two shares.
    ShareDifference,
}

impl Effect {
    /// How often the threshold goes into the effect: 1 and more matters.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.value / self.threshold
    }

    pub(super) fn matters(&self) -> bool {
        self.value >= self.threshold
    }
}

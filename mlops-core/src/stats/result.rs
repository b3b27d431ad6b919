//! [`TestResult`] and [`Alternative`].

use serde::{Deserialize, Serialize};

/// What a statistical test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// The test's statistic, in its own scale; infinite where two constants differ.
    pub statistic: f64,
    /// How probable a statistic at least as extreme is, in `[0, 1]`, if the hypothesis of no
    /// difference holds.
    pub p_value: f64,
}

/// Which differences a test is to find.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// Either.
    #[default]
    TwoSided,
    /// The first sample tends to smaller values.
    Less,
    /// The first sample tends to larger values.
    Greater,
}

impl Alternative {
    /// The p-value of a statistic that is distributed symmetrically about 0, with this survival function.
    pub(super) fn p_value(self, statistic: f64, sf: impl Fn(f64) -> f64) -> f64 {
        match self {
            Self::TwoSided => (2.0 * sf(statistic.abs())).min(1.0),
            Self::Less => sf(-statistic),
            Self::Greater => sf(statistic),
        }
    }
}

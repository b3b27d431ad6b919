//! [`Expectation`]: what is expected of a data set.

use std::fmt;

use mlops_core::alert::Severity;
use serde::{Deserialize, Serialize};

use super::{Check, stored::Stored};

/// What is expected, of how large a share of rows, and how bad it is if that does not hold.
///
/// ```
/// use mlops_core::alert::Severity;
/// use mlops_drift::quality::{Check, Expectation, Range};
///
/// let ages = Check::between("age", Range::at_least(0).and_at_most(120));
/// let ages = Expectation::new(ages).with_mostly(0.99).with_severity(Severity::Warning);
/// assert_eq!(ages.to_string(), "`age` is in [0, 120] in at least 0.99 of rows");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
#[non_exhaustive]
pub struct Expectation {
    /// What is expected.
    pub check: Check,
    /// The share of rows that must pass, in `(0, 1]`, of a check that is [of rows](Check::is_of_rows): it
    /// holds if `passing / rows ≥ mostly`.
    ///
    /// That is a statement about the rows that were seen, exact for them, and not about whatever made them:
    /// a source that fails in a share of exactly `1 - mostly` is found wanting about every second time. To
    /// say something about the source, take `failing` of `rows` from the report as a
    /// [`Proportion`](mlops_core::stats::proportion::Proportion) and look at its
    /// [interval](mlops_core::stats::proportion::Proportion::clopper_pearson_interval).
    pub mostly: f64,
    /// How bad it is if it does not hold.
    pub severity: Severity,
}

impl Expectation {
    /// Expects this of every row; that it does not hold is critical.
    #[must_use]
    pub fn new(check: Check) -> Self {
        Self { check, mostly: 1.0, severity: Severity::Critical }
    }

    /// With this share of rows that must pass.
    #[must_use]
    pub fn with_mostly(mut self, mostly: f64) -> Self {
        self.mostly = mostly;
        self
    }

    /// With this severity.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.check.fmt(f)?;
        if self.mostly < 1.0 { write!(f, " in at least {} of rows", self.mostly) } else { Ok(()) }
    }
}

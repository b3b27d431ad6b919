//! [`QualityReport`]: what came of it.

use mlops_core::{alert::Severity, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::Expectation;

/// A verdict on each expectation of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QualityReport {
    /// The name of the suite.
    pub suite: String,
    /// When it was made.
    pub checked_at: Timestamp,
    /// Rows that were seen.
    pub rows: u64,
    /// One for each expectation, in the order of the suite.
    pub findings: Vec<Finding>,
}

/// What was found of one expectation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What was expected, and how bad it is if that does not hold.
    pub expectation: Expectation,
    /// The same, as a sentence.
    pub expected: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// The figure that was judged: of a check of rows, the share of rows that failed; otherwise the mean,
    /// count, age in seconds or effect. Always finite.
    pub observed: Option<f64>,
    /// What else is to be said, for people.
    pub detail: Option<String>,
    /// Rows that were judged: without those that the check leaves out.
    pub rows: u64,
    /// How many of them failed; of columns, how many are missing or not expected.
    pub failing: u64,
    /// A few that failed: the first ones, in the order of their rows. Of rows that repeat others they are of
    /// any values, one row of each.
    pub samples: Vec<Sample>,
}

/// A row that failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sample {
    /// Which row of the data set it is; the first is 0.
    pub row: u64,
    /// What it has there, for people; long texts are cut.
    pub value: String,
}

/// Whether an expectation holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// What was seen does not tell; and why.
    Insufficient(String),
    /// It could not be checked, for instance because its column is missing; and why.
    Error(String),
}

impl QualityReport {
    /// True if every expectation holds: none failed, none was left undecided.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict == Verdict::Passed)
    }

    /// Expectations that do not hold or could not be checked.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        let bad =
            |finding: &&Finding| matches!(finding.verdict, Verdict::Failed | Verdict::Error(_));
        self.findings.iter().filter(bad)
    }

    /// The severity of the worst of the [`problems`](Self::problems).
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.problems().map(|finding| finding.expectation.severity).max()
    }
}

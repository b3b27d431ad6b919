//! [`ServiceStats`].

use std::time::Duration;

use mlops_core::{
    Error, Result,
    stats::{mean::Summary, proportion::Proportion},
};
use serde::{Deserialize, Serialize};

use super::latency::LatencyHistogram;
use crate::performance::confusion::check_counts;

/// Confidence is counted in whole steps, so that sums of it and of its squares are exact: a mean is off by
/// 1.5 · 10⁻⁵ at most, and 10¹⁰ rows fit.
pub(super) const STEPS: f64 = 32_768.0;

/// What a service did over some time: the baseline that is stored with a model, or what it does now.
///
/// It keeps whole numbers only, so that parts [merge](Self::merge) exactly, in any order. A
/// [`ServiceObserver`](super::ServiceObserver) makes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
#[non_exhaustive]
pub struct ServiceStats {
    /// How long it took to answer, of requests that were answered.
    pub latency: LatencyHistogram,
    /// Requests that failed, and not by the caller's doing.
    pub failed: u64,
    /// Requests that were invalid.
    pub invalid: u64,
    /// Requests whose caller went away.
    pub cancelled: u64,
    /// For how long this was observed. That of parts adds up: of replicas that were observed at once, it
    /// is the time of all of them together, and a throughput is that of one.
    pub observed: Duration,
    /// Answers whose confidence could not be read.
    pub unreadable: u64,
    pub(super) rows: u64,
    /// In steps, and squares of steps.
    pub(super) sum: u64,
    pub(super) sum_squares: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    latency: LatencyHistogram,
    failed: u64,
    invalid: u64,
    cancelled: u64,
    observed: Duration,
    unreadable: u64,
    rows: u64,
    sum: u64,
    sum_squares: u64,
}

impl ServiceStats {
    /// Adds what another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.observed = self.observed.saturating_add(other.observed);
        for (mine, theirs) in [
            (&mut self.failed, other.failed),
            (&mut self.invalid, other.invalid),
            (&mut self.cancelled, other.cancelled),
            (&mut self.unreadable, other.unreadable),
            (&mut self.rows, other.rows),
            (&mut self.sum, other.sum),
            (&mut self.sum_squares, other.sum_squares),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// Requests that were answered.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.latency.requests()
    }

    /// Requests that failed, of those that failed or were answered; `None` without any.
    #[must_use]
    pub fn error_rate(&self) -> Option<Proportion> {
        Proportion::new(self.failed, self.answered().saturating_add(self.failed)).ok()
    }

    /// The confidence of the rows that had one; `None` without any.
    #[must_use]
    pub fn confidence(&self) -> Option<Summary> {
        if self.rows == 0 {
            return None;
        }
        let (rows, sum) = (u128::from(self.rows), u128::from(self.sum));
        // By whole numbers, so that a constant has no spread.
        let squares = (rows * u128::from(self.sum_squares)).saturating_sub(sum * sum);
        let pairs = self.rows as f64 * (self.rows as f64 - 1.0).max(1.0);
        Some(Summary {
            count: self.rows,
            mean: self.sum as f64 / self.rows as f64 / STEPS,
            variance: squares as f64 / pairs / (STEPS * STEPS),
        })
    }

    /// Answers a second, of one replica; `None` if it was observed for no time.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        let seconds = self.observed.as_secs_f64();
        (seconds > 0.0).then(|| self.answered() as f64 / seconds)
    }
}

impl TryFrom<Unchecked> for ServiceStats {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked {
            latency,
            failed,
            invalid,
            cancelled,
            observed,
            unreadable,
            rows,
            sum,
            sum_squares,
        } = read;
        check_counts("service stats", &[failed, invalid, cancelled, unreadable, rows])?;
        // No row has more steps than there are, and none a square that is less than its sum.
        let most = u128::from(rows) * STEPS as u128;
        if u128::from(sum) > most || u128::from(sum_squares) > most * STEPS as u128 {
            let reason = format!("{rows} rows do not have a confidence of {sum} and {sum_squares}");
            return Err(Error::invalid("service stats", reason));
        }
        Ok(Self {
            latency,
            failed,
            invalid,
            cancelled,
            observed,
            unreadable,
            rows,
            sum,
            sum_squares,
        })
    }
}

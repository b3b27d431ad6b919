//! [`FreshnessProbe`]: how old is the newest time?

use std::time::Duration;

use mlops_core::timestamp::Timestamp;

use super::{Outcome, wrong_type};
use crate::quality::Values;

/// Keeps the newest time.
#[derive(Debug, Clone)]
pub(in crate::quality) struct FreshnessProbe {
    max_age: Duration,
    newest: Option<Timestamp>,
    rows: u64,
}

impl FreshnessProbe {
    pub(super) fn new(max_age: Duration) -> Self {
        Self { max_age, newest: None, rows: 0 }
    }

    pub(super) fn observe(&mut self, values: Values<'_>) -> Result<(), String> {
        let Values::Times(times) = values else { return Err(wrong_type("times", values)) };
        for time in times.iter().flatten() {
            self.rows += 1;
            self.newest = self.newest.max(Some(*time));
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.newest = self.newest.max(other.newest);
        self.rows += other.rows;
    }

    pub(super) fn outcome(&self, now: Timestamp) -> Outcome {
        let Some(newest) = self.newest else {
            return Outcome::insufficient("there are no times", 0);
        };
        let age = now.saturating_since(newest);
        let holds = newest <= now && age <= self.max_age;
        let future = newest.saturating_since(now);
        let (seconds, detail) = if newest > now {
            (-future.as_secs_f64(), format!("the newest, {newest}, is in the future"))
        } else {
            (age.as_secs_f64(), format!("the newest is {newest}"))
        };
        Outcome { detail: Some(detail), ..Outcome::judged(holds, seconds, self.rows) }
    }
}

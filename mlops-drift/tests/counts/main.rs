//! Tests and distances of counts: golden values, laws, and rates of false alarms.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod false_alarms;
mod golden;
mod laws;
mod sequential;

//! Observers of predictions and outcomes: performance with labels, and service figures.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod degradation;
mod false_alarms;
mod labelled;
mod latency;
mod queue;
mod served;

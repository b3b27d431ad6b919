//! What a comparison of two data sets decides.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod data;
mod decision;
mod false_alarms;
mod figures;
mod laws;
mod refusals;

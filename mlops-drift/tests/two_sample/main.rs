//! Two-sample tests and distances: against SciPy and mpmath, against laws, and against chance.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod closed_form;
mod false_alarms;
mod golden;
mod laws;
mod refusals;
mod samples;

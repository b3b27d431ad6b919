//! Change detectors: the contract of each, river's results, and how often they are wrong.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
mod false_alarms;
mod river;
mod run_length;
mod streams;

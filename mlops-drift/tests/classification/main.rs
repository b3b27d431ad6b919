//! Figures of classifiers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod comparison;
mod coverage;
mod golden;
mod laws;
mod rows;

//! Performance with labels that come late and without any.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cbpe;
mod dle;
mod extremes;
mod isotonic;
mod multiclass;
mod nannyml;
mod regression;
mod root_cause;
mod slices;
mod validity;

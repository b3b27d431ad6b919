//! Data quality: what is expected of a data set, and whether it is so.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bad_input;
mod bounded;
mod checks;
mod data;
mod files;
mod golden;
mod laws;
mod schema;

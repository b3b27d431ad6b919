//! Data frames scored offline.
#![cfg(feature = "polars")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bad_input;
mod columns;
mod failures;
mod resume;
mod scan;
mod support;

//! Data frames, against what is known of them, against Evidently and NannyML.
#![cfg(feature = "polars")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bad_input;
mod chunks;
mod compare;
mod data;
mod evidently;
mod large;
mod profile;
mod quality;

//! The batcher with mock sessions that can be held up, and with real ones.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(feature = "onnxruntime")]
#[path = "../fixture/mod.rs"]
mod fixture;
mod support;

mod admission;
mod batches;
mod bounds;
mod cancellation;
mod conformance;
mod delay;
mod failures;
mod lifecycle;
mod padding;
mod recovery;

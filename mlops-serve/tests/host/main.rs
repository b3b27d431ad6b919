//! A host of mock models that can be held up while they load and while they run.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(feature = "onnxruntime")]
#[path = "../fixture/mod.rs"]
mod fixture;
mod registry;
mod support;

mod control;
mod failures;
mod follower;
mod lifecycle;
mod loading;
mod memory;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod random;
mod swap;
mod versions;

//! The Open Inference Protocol over REST: the routes, the forms, and every kind of bad request.
#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../mock/mod.rs"]
mod mock;
mod support;

mod bad_input;
mod compression;
mod disconnect;
mod extensions;
mod forms;
mod limits;
mod openapi;
mod routes;
#[cfg(feature = "shm")]
mod shared_memory;

//! The Open Inference Protocol over REST: the routes, the forms, and every kind of bad request.
#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

mod bad_input;
mod forms;
mod limits;
mod routes;

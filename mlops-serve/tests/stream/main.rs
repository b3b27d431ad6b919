//! Requests that come as messages: every one is answered or becomes a dead letter, whatever fails.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod failures;
mod flow;
mod queue;

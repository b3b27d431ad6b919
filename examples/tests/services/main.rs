//! Tests that start other programs: `cargo xtask test --services`.
#![cfg(feature = "services")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod browser;
mod metrics;
mod nats;
mod nats_server;
mod report;

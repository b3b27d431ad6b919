//! The reference profile: what it counts, that it merges, and its file.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod categorical;
mod edges;
mod false_alarms;
mod file;
mod merge;
mod numeric;

use mlops_core::random::{RandomKey, RandomStream};

/// A stream of random numbers for the test of this name.
fn random(name: &str) -> RandomStream {
    RandomKey::from_seed(9).derive(name).stream(0)
}

/// Values of a normal distribution (Box and Muller 1958).
fn normal(name: &str, rows: usize) -> Vec<f64> {
    let mut stream = random(name);
    (0..rows)
        .map(|_| {
            let radius = (-2.0 * (1.0 - stream.next_unit()).ln()).sqrt();
            radius * (std::f64::consts::TAU * stream.next_unit()).cos()
        })
        .collect()
}

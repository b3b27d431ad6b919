//! What the benchmarks share.

pub mod load;
pub mod rounds;

/// What can go wrong in a benchmark, for the terminal.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

//! What the benchmarks share.

pub mod load;
pub mod peers;
pub mod rounds;
pub mod simulation;
pub mod soak;

/// What comes of a step of a benchmark; what went wrong is for the terminal.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Any error.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

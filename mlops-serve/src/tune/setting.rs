//! [`Setting`] and [`Measurement`].

use std::{fmt, time::Duration};

/// What a tuner varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Setting {
    /// Sessions.
    pub instances: usize,
    /// Rows in a batch at most.
    pub max_batch_size: usize,
    /// Threads within an operator, for each session.
    pub intra_threads: usize,
}

impl Setting {
    /// So many sessions of so many threads, with batches of at most so many rows.
    #[must_use]
    pub fn new(instances: usize, max_batch_size: usize, intra_threads: usize) -> Self {
        Self { instances, max_batch_size, intra_threads }
    }

    /// Threads of all sessions.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.instances.saturating_mul(self.intra_threads)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instances, max_batch_size, intra_threads } = self;
        write!(f, "{instances} × {intra_threads} threads, batches of {max_batch_size}")
    }
}

/// How a setting did under load.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measurement {
    /// What was measured.
    pub setting: Setting,
    /// Requests answered in a second.
    pub throughput: f64,
    /// The latency that half of the requests stayed within.
    pub p50: Duration,
    /// The latency that 99 % of the requests stayed within.
    pub p99: Duration,
    /// Processor time that the process took, callers included, over what its threads could have taken
    /// (1 is all of it); `None` where the system does not say.
    pub cpu: Option<f64>,
    /// Rows in a batch, on average.
    pub mean_batch: f64,
    /// The time that sessions ran over the time that there was: 1 if none was ever idle.
    pub busy: f64,
}

//! [`BalanceOptions`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How requests are spread over replicas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BalanceOptions {
    /// How fast a replica's past latency is forgotten: after this long without an answer, it counts
    /// for 1/e. Latency that rises counts at once.
    pub decay: Duration,
    /// How long a replica that cannot be asked is put aside at first; twice as long each further time.
    /// Also how soon it is forgotten that a replica was full, or failed at a request: after this long,
    /// that counts for 1/e.
    pub min_aside: Duration,
    /// How long it is put aside at most.
    pub max_aside: Duration,
    /// Which failed requests are sent to a second replica.
    pub retry: Retry,
    /// Retries for each request, over time: 0.2 lets a fifth of the traffic be retries.
    pub retry_ratio: f64,
    /// Retries a second that are always allowed, so that little traffic can be retried too.
    pub min_retries_per_second: f64,
    /// Chooses the replicas: equal seeds make equal choices.
    pub seed: u64,
}

/// Which failed requests are sent to a second replica, once, if the deadline and the retry budget
/// allow it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// None.
    Never,
    /// Those that certainly were not executed: the replica was full, unavailable or shut down.
    #[default]
    NotExecuted,
    /// Also those that a replica may have executed before it failed. Right for models, which
    /// compute the same again; wrong for one that has effects elsewhere.
    AnyFailure,
}

impl Default for BalanceOptions {
    fn default() -> Self {
        Self {
            decay: Duration::from_secs(10),
            min_aside: Duration::from_millis(100),
            max_aside: Duration::from_secs(30),
            retry: Retry::default(),
            retry_ratio: 0.2,
            min_retries_per_second: 10.0,
            seed: 0,
        }
    }
}

impl BalanceOptions {
    /// Sets how fast a replica's past latency is forgotten.
    #[must_use]
    pub fn with_decay(mut self, decay: Duration) -> Self {
        self.decay = decay;
        self
    }

    /// Sets how long a replica is put aside after its first failure, and at most.
    #[must_use]
    pub fn with_aside(mut self, min: Duration, max: Duration) -> Self {
        self.min_aside = min;
        self.max_aside = max;
        self
    }

    /// Sets which failed requests are sent to a second replica.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how many retries there may be: for each request, and a second.
    #[must_use]
    pub fn with_retry_budget(mut self, ratio: f64, min_per_second: f64) -> Self {
        self.retry_ratio = ratio;
        self.min_retries_per_second = min_per_second;
        self
    }

    /// Sets the seed of the choices.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

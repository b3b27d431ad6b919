//! [`StreamOptions`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::score::RetryOptions;

/// How much is under way at once, and what is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Requests under way at most.
    pub max_in_flight: usize,
    /// Bytes of inputs under way; the request that passes the limit is still taken.
    pub max_in_flight_bytes: usize,
    /// How often a request may be delivered before it is rejected untried: one that takes the process
    /// down with it would otherwise do so for ever. Every delivery counts, also those of requests that were
    /// only under way beside it, or given back when the work was stopped.
    pub max_deliveries: u64,
    /// What is tried again.
    pub retry: RetryOptions,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            max_in_flight: 64,
            max_in_flight_bytes: 64 << 20,
            max_deliveries: 20,
            retry: RetryOptions::default(),
        }
    }
}

impl StreamOptions {
    /// Sets how many requests and bytes of inputs are under way at most.
    #[must_use]
    pub fn with_max_in_flight(mut self, requests: usize, bytes: usize) -> Self {
        (self.max_in_flight, self.max_in_flight_bytes) = (requests, bytes);
        self
    }

    /// Sets how often a request may be delivered.
    #[must_use]
    pub fn with_max_deliveries(mut self, deliveries: u64) -> Self {
        self.max_deliveries = deliveries;
        self
    }

    /// Sets what is tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.max_in_flight == 0 {
            return Err(Error::invalid("max_in_flight", "it must be at least 1"));
        }
        if self.max_in_flight_bytes == 0 {
            return Err(Error::invalid("max_in_flight_bytes", "it must be at least 1"));
        }
        if self.max_deliveries == 0 {
            return Err(Error::invalid("max_deliveries", "it must be at least 1"));
        }
        self.retry.check()
    }
}

//! [`FollowerOptions`].

use std::{path::PathBuf, time::Duration};

use mlops_core::{
    Error, Result,
    model::{Alias, ModelName},
};

use crate::host::SignatureChange;

/// What a [`RegistryFollower`](super::RegistryFollower) follows, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowerOptions {
    /// The model, in the registry and in the host.
    pub name: ModelName,
    /// The alias that says which version is served.
    pub alias: Alias,
    /// Where packages are fetched to. Created if it is not there; no two followers share one.
    pub directory: PathBuf,
    /// How long after a look the next one comes.
    pub poll_interval: Duration,
    /// How long it waits after a first failure, at most; each further one in a row doubles it.
    pub first_retry: Duration,
    /// How long it waits after any failure, at most.
    pub longest_retry: Duration,
    /// Whether inputs and outputs may change with the version.
    pub signature: SignatureChange,
    /// Seeds the randomness of its waits; `None` for another one in each process.
    pub seed: Option<u64>,
}

impl FollowerOptions {
    /// Follows this alias: a look every 10 seconds, and waits of 1 second to 5 minutes after
    /// failures.
    #[must_use]
    pub fn new(name: ModelName, alias: Alias, directory: impl Into<PathBuf>) -> Self {
        Self {
            name,
            alias,
            directory: directory.into(),
            poll_interval: Duration::from_secs(10),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(300),
            signature: SignatureChange::default(),
            seed: None,
        }
    }

    /// Sets how long after a look the next one comes.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets how long it waits after failures: after a first one, and after any.
    #[must_use]
    pub fn with_retry(mut self, first: Duration, longest: Duration) -> Self {
        self.first_retry = first;
        self.longest_retry = longest;
        self
    }

    /// Sets whether inputs and outputs may change with the version.
    #[must_use]
    pub fn with_signature(mut self, change: SignatureChange) -> Self {
        self.signature = change;
        self
    }

    /// Seeds the randomness of its waits.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason| Err(Error::invalid("follower options", reason));
        if self.poll_interval.is_zero() || self.first_retry.is_zero() {
            return invalid("poll_interval and first_retry must not be 0");
        }
        if self.longest_retry < self.first_retry {
            return invalid("longest_retry is shorter than first_retry");
        }
        Ok(())
    }
}

//! [`TuneOptions`].

use std::time::Duration;

use mlops_core::{Error, Result};

use super::setting::Setting;

/// What a tuner tries, under which load, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TuneOptions {
    /// 99 % of the requests must be answered within this.
    pub max_p99: Duration,
    /// Threads of all sessions at most, as a [`ThreadBudget`](crate::threads::ThreadBudget) has them.
    pub max_threads: usize,
    /// Rows in a batch at most; sizes are tried in powers of two.
    pub max_batch_size: usize,
    /// Requests under way at all times: each caller sends the next when it has the answer to the last.
    pub callers: usize,
    /// How long the load on each setting lasts; it ends sooner after `max_requests`.
    pub load_time: Duration,
    /// Requests to a setting at most.
    pub max_requests: usize,
    /// Settings tried at most.
    pub max_settings: usize,
    /// No setting is started after this.
    pub max_time: Duration,
}

impl TuneOptions {
    /// With this bound on the 99th percentile of latency.
    ///
    /// By default 64 callers, batches up to 64 rows and one thread; each setting a second, all of them a
    /// minute.
    #[must_use]
    pub fn new(max_p99: Duration) -> Self {
        Self {
            max_p99,
            max_threads: 1,
            max_batch_size: 64,
            callers: 64,
            load_time: Duration::from_secs(1),
            max_requests: 200_000,
            max_settings: 64,
            max_time: Duration::from_secs(60),
        }
    }

    /// Sets how many threads all sessions may have together.
    #[must_use]
    pub fn with_max_threads(mut self, threads: usize) -> Self {
        self.max_threads = threads;
        self
    }

    /// Sets the largest batch that is tried, in rows.
    #[must_use]
    pub fn with_max_batch_size(mut self, rows: usize) -> Self {
        self.max_batch_size = rows;
        self
    }

    /// Sets how many requests are under way at all times.
    #[must_use]
    pub fn with_callers(mut self, callers: usize) -> Self {
        self.callers = callers;
        self
    }

    /// Sets how long the load on each setting lasts, and after how many requests it ends sooner.
    #[must_use]
    pub fn with_load(mut self, time: Duration, max_requests: usize) -> Self {
        (self.load_time, self.max_requests) = (time, max_requests);
        self
    }

    /// Sets how many settings are tried, and how long it may take to start the last.
    #[must_use]
    pub fn with_limits(mut self, max_settings: usize, max_time: Duration) -> Self {
        (self.max_settings, self.max_time) = (max_settings, max_time);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let counts = [
            ("max_threads", self.max_threads),
            ("max_batch_size", self.max_batch_size),
            ("callers", self.callers),
            ("max_requests", self.max_requests),
            ("max_settings", self.max_settings),
        ];
        let times = [("max_p99", self.max_p99), ("load_time", self.load_time)];
        let zero = counts.iter().filter(|(_, count)| *count == 0).map(|(name, _)| *name);
        let mut zero =
            zero.chain(times.iter().filter(|(_, time)| time.is_zero()).map(|(name, _)| *name));
        match zero.next() {
            Some(name) => Err(Error::invalid("tune options", format!("{name} is 0"))),
            None => Ok(()),
        }
    }

    /// Whether it may be tried.
    pub(super) fn allow(&self, setting: &Setting) -> bool {
        setting.instances > 0
            && setting.intra_threads > 0
            && setting.max_batch_size > 0
            && setting.threads() <= self.max_threads
            && setting.max_batch_size <= self.max_batch_size
    }
}

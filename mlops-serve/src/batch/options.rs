//! [`BatcherOptions`].

use std::time::Duration;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::padding::Padding;

/// How requests are gathered into batches, and how many may wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BatcherOptions {
    /// Rows in a batch at most, and so in a request.
    pub max_batch_size: usize,
    /// How long a session that could run may wait for a partial batch to fill, counted from the
    /// arrival of its oldest request. Zero: it takes what is there.
    pub max_queue_delay: Duration,
    /// How it is decided whether to wait that long.
    pub waiting: Waiting,
    /// Sizes of batches, in rows, that are run as soon as they are reached, without waiting for more.
    pub preferred_batch_sizes: Vec<usize>,
    /// Sizes that a batch may have, in rows; smaller ones are filled up by repeating their last row, which
    /// nobody sees. The largest is at least `max_batch_size`. Empty for any size.
    pub allowed_batch_sizes: Vec<usize>,
    /// Dimensions that are padded, so that requests of different shapes share a batch.
    pub padding: Vec<Padding>,
    /// Rows in a request at most. More than `max_batch_size` are run in several batches, whose outputs
    /// are put together again. `None` for no more than that.
    pub max_request_rows: Option<usize>,
    /// What a batch may cost at most, and so a request: its rows, each counted as often as the free axes
    /// of its largest input are long. For texts that is tokens. `None` for any cost.
    pub max_batch_cost: Option<usize>,
    /// Sessions, each with its own copy of the model.
    pub instances: usize,
    /// Who runs the sessions.
    pub placement: Placement,
    /// The cores that the threads of each session stay on, one list for each: the thread that runs it and
    /// those that the engine starts for it, as a
    /// [`ThreadShare`](crate::threads::ThreadShare) gives them. Empty for any core. On Linux only.
    pub cores: Vec<Vec<usize>>,
    /// Whether requests are stacked at all.
    pub batching: Batching,
    /// How much sooner urgent requests are run.
    pub priority: PriorityOptions,
    /// Request parameters that keep requests apart: only those with equal values share a batch.
    pub batch_parameters: Vec<String>,
    /// Requests that may wait at most.
    pub max_queued_requests: usize,
    /// Bytes of inputs that may wait at most.
    pub max_queued_bytes: usize,
    /// How long the work in front of a request may be expected to take; `None` for as long as it does.
    ///
    /// Whatever it is, a request with a deadline that is not expected to be met is refused at once.
    pub max_queued_time: Option<Duration>,
    /// What happens to a request that finds the queue full.
    pub on_full: OnFull,
}

/// How a session that could run decides whether to wait for more requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// It waits until a batch is full, a preferred size is reached, or the delay is over (as Triton
    /// does).
    #[default]
    Fixed,
    /// It waits, never longer than the delay, as long as that is expected to lower the mean latency: by
    /// how long runs of each size have taken so far and how often requests come. At low load it does not
    /// wait at all.
    Learned,
}

/// How much sooner urgent requests are run (see
/// [`RequestContext::priority`](mlops_core::inference::RequestContext::priority)).
///
/// Among requests that wait, one of level *n* stands where one of level 1 stands that came
/// (*n* − 1) × `aging` later. An urgent request overtakes, and nothing waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PriorityOptions {
    /// Levels of priority, of which 1 is the most urgent; 1 for no difference between requests. A
    /// request of a larger number is of the last level.
    pub levels: u32,
    /// The level of requests that say nothing.
    pub default_level: u32,
    /// How much longer each level waits than the one above it.
    pub aging: Duration,
}

impl Default for PriorityOptions {
    fn default() -> Self {
        Self { levels: 1, default_level: 1, aging: Duration::from_millis(100) }
    }
}

impl PriorityOptions {
    /// This many levels; requests that say nothing are of the given one.
    #[must_use]
    pub fn new(levels: u32, default_level: u32) -> Self {
        Self { levels, default_level, ..Self::default() }
    }

    /// Sets how much longer each level waits than the one above it.
    #[must_use]
    pub fn with_aging(mut self, aging: Duration) -> Self {
        self.aging = aging;
        self
    }

    fn check(self) -> Result<()> {
        if self.levels == 0 || self.default_level == 0 || self.default_level > self.levels {
            let reason = format!(
                "default_level {} is not one of {} levels, counted from 1",
                self.default_level, self.levels
            );
            return Err(Error::invalid("priority options", reason));
        }
        // Due times are points in time: years of patience are as good as for ever, and representable.
        if self.aging.checked_mul(self.levels).is_none_or(|most| most > MAX_PATIENCE) {
            return Err(Error::invalid("priority options", "aging by levels is over a year"));
        }
        Ok(())
    }
}

const MAX_PATIENCE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Who runs a batcher's sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// [`CallerRuns`](Self::CallerRuns) if no cores are set, a full batch of zeros takes less than 50 µs when the
    /// batcher starts and the session may change threads, [`Thread`](Self::Thread) otherwise.
    #[default]
    Auto,
    /// A named thread for each session. For anything that takes longer than a thread's wake-up.
    Thread,
    /// The first caller that finds a session free runs the batch, on its own thread, and answers the
    /// others. For sessions so fast that waking a thread would cost more; it occupies a thread of
    /// the async runtime for as long as a batch takes, and a timer of that runtime, deadlines included,
    /// may be late by as much: tokio does not promise that another thread looks after it. A caller
    /// that keeps its future without polling it, where it could drop it, may hold up the others.
    CallerRuns,
}

/// Whether requests are stacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Batching {
    /// If the model's signature is batchable: axis 0 of every input and output is free.
    #[default]
    Auto,
    /// Never, whatever the signature says: requests run one by one, of any size.
    Never,
}

/// What happens to a request that finds the queue full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// It fails at once with `Overloaded`.
    #[default]
    Reject,
    /// It waits for room, until its deadline; the caller bounds how many wait.
    Wait,
}

impl Default for BatcherOptions {
    fn default() -> Self {
        Self {
            max_batch_size: 32,
            max_queue_delay: Duration::ZERO,
            waiting: Waiting::default(),
            preferred_batch_sizes: Vec::new(),
            allowed_batch_sizes: Vec::new(),
            padding: Vec::new(),
            max_request_rows: None,
            max_batch_cost: None,
            instances: 1,
            placement: Placement::default(),
            cores: Vec::new(),
            batching: Batching::default(),
            priority: PriorityOptions::default(),
            batch_parameters: Vec::new(),
            max_queued_requests: 4096,
            max_queued_bytes: 256 << 20,
            max_queued_time: None,
            on_full: OnFull::default(),
        }
    }
}

impl BatcherOptions {
    /// Sets the most rows in a batch.
    #[must_use]
    pub fn with_max_batch_size(mut self, rows: usize) -> Self {
        self.max_batch_size = rows;
        self
    }

    /// Sets how long a partial batch may wait to fill.
    #[must_use]
    pub fn with_max_queue_delay(mut self, delay: Duration) -> Self {
        self.max_queue_delay = delay;
        self
    }

    /// Sets how it is decided whether to wait.
    #[must_use]
    pub fn with_waiting(mut self, waiting: Waiting) -> Self {
        self.waiting = waiting;
        self
    }

    /// Sets the sizes of batches that are run as soon as they are reached.
    #[must_use]
    pub fn with_preferred_batch_sizes(mut self, rows: impl IntoIterator<Item = usize>) -> Self {
        self.preferred_batch_sizes = rows.into_iter().collect();
        self
    }

    /// Sets the sizes that a batch may have.
    #[must_use]
    pub fn with_allowed_batch_sizes(mut self, rows: impl IntoIterator<Item = usize>) -> Self {
        self.allowed_batch_sizes = rows.into_iter().collect();
        self
    }

    /// Sets the dimensions that are padded.
    #[must_use]
    pub fn with_padding(mut self, padding: impl IntoIterator<Item = Padding>) -> Self {
        self.padding = padding.into_iter().collect();
        self
    }

    /// Sets the most rows in a request.
    #[must_use]
    pub fn with_max_request_rows(mut self, rows: usize) -> Self {
        self.max_request_rows = Some(rows);
        self
    }

    /// Sets what a batch may cost at most.
    #[must_use]
    pub fn with_max_batch_cost(mut self, cost: usize) -> Self {
        self.max_batch_cost = Some(cost);
        self
    }

    /// Sets the number of sessions.
    #[must_use]
    pub fn with_instances(mut self, instances: usize) -> Self {
        self.instances = instances;
        self
    }

    /// Sets who runs the sessions.
    #[must_use]
    pub fn with_placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Sets the cores that the threads of each session stay on.
    #[must_use]
    pub fn with_cores(mut self, cores: impl IntoIterator<Item = Vec<usize>>) -> Self {
        self.cores = cores.into_iter().collect();
        self
    }

    /// Sets whether requests are stacked.
    #[must_use]
    pub fn with_batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    /// Sets how much sooner urgent requests are run.
    #[must_use]
    pub fn with_priority(mut self, priority: PriorityOptions) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the request parameters that keep requests apart.
    #[must_use]
    pub fn with_batch_parameters(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.batch_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many requests, and how many bytes of inputs, may wait.
    #[must_use]
    pub fn with_queue_limits(mut self, requests: usize, bytes: usize) -> Self {
        self.max_queued_requests = requests;
        self.max_queued_bytes = bytes;
        self
    }

    /// Sets how long the work in front of a request may be expected to take.
    #[must_use]
    pub fn with_max_queued_time(mut self, time: Duration) -> Self {
        self.max_queued_time = Some(time);
        self
    }

    /// Sets what happens to a request that finds the queue full.
    #[must_use]
    pub fn with_on_full(mut self, on_full: OnFull) -> Self {
        self.on_full = on_full;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: &str| Err(Error::invalid("batcher options", reason));
        if self.max_batch_size == 0 {
            return invalid("max_batch_size is 0");
        }
        if self.instances == 0 {
            return invalid("instances is 0");
        }
        if self.max_queued_requests == 0 {
            return invalid("max_queued_requests is 0");
        }
        if let Some(size) = self
            .preferred_batch_sizes
            .iter()
            .find(|size| !(1..=self.max_batch_size).contains(*size))
        {
            return invalid(&format!("preferred size {size} is not from 1 to max_batch_size"));
        }
        if !self.allowed_batch_sizes.is_empty()
            && (self.allowed_batch_sizes.contains(&0)
                || self.allowed_batch_sizes.iter().all(|size| *size < self.max_batch_size))
        {
            return invalid("allowed_batch_sizes has a 0, or none as large as max_batch_size");
        }
        if self.max_request_rows.is_some_and(|rows| rows < self.max_batch_size) {
            return invalid("max_request_rows is less than max_batch_size");
        }
        if self.max_batch_cost == Some(0) {
            return invalid("max_batch_cost is 0");
        }
        self.priority.check()?;
        if !self.cores.is_empty() {
            if self.cores.len() != self.instances {
                let (lists, instances) = (self.cores.len(), self.instances);
                return invalid(&format!("cores has {lists} lists for {instances} instances"));
            }
            if self.cores.iter().any(Vec::is_empty) {
                return invalid("cores has a list without a core");
            }
            if self.placement == Placement::CallerRuns {
                return invalid("caller runs has no thread that could stay on cores");
            }
        }
        if self.placement == Placement::CallerRuns && !self.max_queue_delay.is_zero() {
            return invalid("caller runs has no thread that could wait: max_queue_delay must be 0");
        }
        Ok(())
    }
}

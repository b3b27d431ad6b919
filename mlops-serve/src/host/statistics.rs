//! [`ModelStatistics`].

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use mlops_core::{
    inference::Timings,
    observe::{Interest, PredictionObserver, PredictionRecord},
    timestamp::Timestamp,
};
use parking_lot::Mutex;

use crate::batch::{BatchObserver, BatchRecord};

/// What one version of a model has done since it was published: the counts of the Open Inference
/// Protocol's statistics extension.
///
/// An observer of predictions and of batches, wired by the host like any other.
#[derive(Debug, Default)]
pub struct ModelStatistics {
    success: Total,
    failure: Total,
    queue: Total,
    compute_input: Total,
    compute_infer: Total,
    compute_output: Total,
    rows: AtomicU64,
    /// Microseconds since the epoch; 0 for never.
    last_inference: AtomicI64,
    batches: Mutex<BTreeMap<usize, BatchCounts>>,
}

/// A count, and the time that what was counted took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// How long, all together.
    pub time: Duration,
}

/// The runs of one batch size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchCounts {
    /// Stacking the inputs.
    pub compute_input: Counted,
    /// Running the session.
    pub compute_infer: Counted,
    /// Splitting the outputs.
    pub compute_output: Counted,
}

/// [`ModelStatistics`] at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatisticsSnapshot {
    /// Requests answered, from arrival to answer.
    pub success: Counted,
    /// Requests that failed, from arrival to error.
    pub failure: Counted,
    /// Waiting for a session, of requests answered.
    pub queue: Counted,
    /// Stacking the inputs, of requests answered: each counts the time of its batch.
    pub compute_input: Counted,
    /// Running the session, likewise.
    pub compute_infer: Counted,
    /// Splitting the outputs, likewise.
    pub compute_output: Counted,
    /// Rows in requests answered.
    pub inference_count: u64,
    /// Runs that succeeded.
    pub execution_count: u64,
    /// When the last request was answered.
    pub last_inference: Option<Timestamp>,
    /// Runs that succeeded, by rows.
    pub batches: BTreeMap<usize, BatchCounts>,
}

impl ModelStatistics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts now. Each is exact; taken while requests are answered, one may be ahead of another.
    #[must_use]
    pub fn snapshot(&self) -> StatisticsSnapshot {
        let batches = self.batches.lock().clone();
        let last = self.last_inference.load(Ordering::Relaxed);
        StatisticsSnapshot {
            success: self.success.get(),
            failure: self.failure.get(),
            queue: self.queue.get(),
            compute_input: self.compute_input.get(),
            compute_infer: self.compute_infer.get(),
            compute_output: self.compute_output.get(),
            inference_count: self.rows.load(Ordering::Relaxed),
            execution_count: batches.values().map(|batch| batch.compute_infer.count).sum(),
            last_inference: (last != 0).then(|| Timestamp::from_micros(last)),
            batches,
        }
    }
}

impl PredictionObserver for ModelStatistics {
    fn interest(&self) -> Interest {
        Interest::Metadata
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        let Ok(response) = record.result else {
            self.failure.add(record.elapsed);
            return;
        };
        let Timings { queue, batching, inference, splitting, rows, .. } = response.timings;
        self.success.add(record.elapsed);
        self.queue.add(queue);
        self.compute_input.add(batching);
        self.compute_infer.add(inference);
        self.compute_output.add(splitting);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.last_inference.store(record.at.as_micros(), Ordering::Relaxed);
    }
}

impl BatchObserver for ModelStatistics {
    fn observe(&self, record: &BatchRecord<'_>) {
        if record.error.is_some() {
            return;
        }
        let mut batches = self.batches.lock();
        let batch = batches.entry(record.rows).or_default();
        batch.compute_input.add(record.timings.batching);
        batch.compute_infer.add(record.timings.inference);
        batch.compute_output.add(record.timings.splitting);
    }
}

impl Counted {
    fn add(&mut self, time: Duration) {
        self.count += 1;
        self.time += time;
    }
}

/// [`Counted`], shared between threads.
#[derive(Debug, Default)]
struct Total {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Total {
    fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    fn get(&self) -> Counted {
        let nanos = self.nanos.load(Ordering::Relaxed);
        Counted { count: self.count.load(Ordering::Relaxed), time: Duration::from_nanos(nanos) }
    }
}

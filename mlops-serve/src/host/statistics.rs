//! [`ModelStatistics`].

use std::{collections::BTreeMap, time::Duration};

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
///
/// One lock for all of it: clients compare the counts of phases with one another (perf_analyzer gives
/// up if they differ), so each request must be counted as a whole.
#[derive(Debug, Default)]
pub struct ModelStatistics(Mutex<StatisticsSnapshot>);

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

    /// The counts now: every request is in all of them or in none.
    #[must_use]
    pub fn snapshot(&self) -> StatisticsSnapshot {
        self.0.lock().clone()
    }
}

impl PredictionObserver for ModelStatistics {
    fn interest(&self) -> Interest {
        Interest::Metadata
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        let mut counts = self.0.lock();
        let Ok(response) = record.result else {
            counts.failure.add(record.elapsed);
            return;
        };
        let Timings { queue, batching, inference, splitting, rows, .. } = response.timings;
        counts.success.add(record.elapsed);
        counts.queue.add(queue);
        counts.compute_input.add(batching);
        counts.compute_infer.add(inference);
        counts.compute_output.add(splitting);
        counts.inference_count += rows as u64;
        // Observers run side by side: the later time stays.
        counts.last_inference = counts.last_inference.max(Some(record.at));
    }
}

impl BatchObserver for ModelStatistics {
    fn observe(&self, record: &BatchRecord<'_>) {
        if record.error.is_some() {
            return;
        }
        let mut counts = self.0.lock();
        counts.execution_count += 1;
        let batch = counts.batches.entry(record.rows).or_default();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{
        clock::SystemClock,
        inference::{InferenceRequest, Predict},
        model::ModelId,
        ndarray::Array2,
        observe::Observed,
        tensor::{NamedTensors, Tensor},
        testing::session::{MockFactory, MockSession},
    };

    use super::*;
    use crate::batch::{Batcher, BatcherOptions};

    fn model(statistics: &Arc<ModelStatistics>) -> Arc<dyn Predict> {
        let id = ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
        let factory = MockFactory::new(MockSession::identity(1));
        let batcher = Batcher::builder(id, factory, BatcherOptions::default())
            .observer(Arc::<ModelStatistics>::clone(statistics))
            .start()
            .unwrap();
        let observers: Vec<Arc<dyn PredictionObserver>> =
            vec![Arc::<ModelStatistics>::clone(statistics)];
        Observed::wrap(Arc::new(batcher), observers, Arc::new(SystemClock))
    }

    fn request(rows: usize) -> InferenceRequest {
        let x = Tensor::from_array(Array2::<f32>::zeros((rows, 1)));
        InferenceRequest::new(NamedTensors::single("x", x))
    }

    #[tokio::test]
    async fn requests_rows_runs_and_failures_are_counted() {
        let statistics = Arc::new(ModelStatistics::new());
        let model = model(&statistics);
        assert_eq!(statistics.snapshot().success, Counted::default());
        assert_eq!(statistics.snapshot().last_inference, None);
        for rows in [1, 3] {
            model.predict(request(rows)).await.unwrap();
        }
        model.predict(InferenceRequest::default()).await.unwrap_err();
        let counts = statistics.snapshot();
        assert_eq!((counts.success.count, counts.failure.count), (2, 1));
        assert_eq!((counts.inference_count, counts.execution_count), (4, 2));
        assert_eq!(counts.batches.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert!(counts.last_inference.is_some());
        assert!(counts.success.time >= counts.compute_infer.time);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_snapshot_under_load_has_each_request_in_every_phase_or_in_none() {
        let statistics = Arc::new(ModelStatistics::new());
        let model = model(&statistics);
        let load: Vec<_> = (0..4)
            .map(|_| {
                let model = Arc::clone(&model);
                tokio::spawn(async move {
                    for _ in 0..250 {
                        model.predict(request(1)).await.unwrap();
                    }
                })
            })
            .collect();
        while !load.iter().all(tokio::task::JoinHandle::is_finished) {
            let counts = statistics.snapshot();
            let phases =
                [counts.queue, counts.compute_input, counts.compute_infer, counts.compute_output];
            assert!(phases.iter().all(|phase| phase.count == counts.success.count), "{counts:?}");
            assert_eq!(counts.inference_count, counts.success.count);
            tokio::task::yield_now().await;
        }
        assert_eq!(statistics.snapshot().success.count, 1000);
    }
}

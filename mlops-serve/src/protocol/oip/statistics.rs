//! The statistics extension: what a model has done so far.

use std::collections::BTreeMap;

use mlops_core::model::ModelId;
use serde::Serialize;

use crate::host::{BatchCounts, Counted, StatisticsSnapshot};

/// Statistics of one version of a model. Every field is sent, also those that never count here:
/// clients read them unasked.
#[derive(Debug, Serialize)]
pub(super) struct ModelStatistics {
    pub(super) name: String,
    pub(super) version: String,
    /// Milliseconds since the epoch; 0 for never.
    pub(super) last_inference: u64,
    pub(super) inference_count: u64,
    pub(super) execution_count: u64,
    pub(super) inference_stats: InferStatistics,
    /// Of models with several answers to a request, of which there are none.
    response_stats: BTreeMap<String, Duration>,
    pub(super) batch_stats: Vec<BatchStatistics>,
    memory_usage: [(); 0],
}

/// By phase.
#[derive(Debug, Serialize)]
pub(super) struct InferStatistics {
    pub(super) success: Duration,
    pub(super) fail: Duration,
    pub(super) queue: Duration,
    pub(super) compute_input: Duration,
    pub(super) compute_infer: Duration,
    pub(super) compute_output: Duration,
    pub(super) cache_hit: Duration,
    pub(super) cache_miss: Duration,
}

/// Of the runs of one batch size.
#[derive(Debug, Serialize)]
pub(super) struct BatchStatistics {
    pub(super) batch_size: u64,
    pub(super) compute_input: Duration,
    pub(super) compute_infer: Duration,
    pub(super) compute_output: Duration,
}

/// How often, and how long all together.
#[derive(Debug, Default, Serialize)]
pub(super) struct Duration {
    pub(super) count: u64,
    pub(super) ns: u64,
}

impl ModelStatistics {
    pub(super) fn new(id: &ModelId, counts: &StatisticsSnapshot) -> Self {
        let last = counts.last_inference.map_or(0, |time| time.as_micros() / 1000);
        Self {
            name: id.name.to_string(),
            version: id.version.to_string(),
            last_inference: u64::try_from(last).unwrap_or(0),
            inference_count: counts.inference_count,
            execution_count: counts.execution_count,
            inference_stats: InferStatistics {
                success: counts.success.into(),
                fail: counts.failure.into(),
                queue: counts.queue.into(),
                compute_input: counts.compute_input.into(),
                compute_infer: counts.compute_infer.into(),
                compute_output: counts.compute_output.into(),
                cache_hit: Duration::default(),
                cache_miss: Duration::default(),
            },
            response_stats: BTreeMap::new(),
            batch_stats: counts.batches.iter().map(BatchStatistics::new).collect(),
            memory_usage: [],
        }
    }
}

impl BatchStatistics {
    fn new((rows, counts): (&usize, &BatchCounts)) -> Self {
        Self {
            batch_size: *rows as u64,
            compute_input: counts.compute_input.into(),
            compute_infer: counts.compute_infer.into(),
            compute_output: counts.compute_output.into(),
        }
    }
}

impl From<Counted> for Duration {
    fn from(Counted { count, time }: Counted) -> Self {
        Self { count, ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) }
    }
}

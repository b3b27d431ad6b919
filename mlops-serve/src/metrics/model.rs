//! [`ModelMetrics`].

use std::sync::Arc;

use mlops_core::{
    model::ModelId,
    observe::{Interest, PredictionObserver, PredictionRecord},
};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};

use super::families::{Families, ModelLabels, model_labels};
use crate::batch::{BatchObserver, BatchRecord, Batcher, Release};

/// The metrics of one model: an observer of its predictions and of its batches.
#[derive(Debug)]
pub struct ModelMetrics {
    families: Arc<Families>,
    labels: ModelLabels,
    ok: Counter,
    request_duration: Histogram,
    queue_wait: Histogram,
    batching_duration: Histogram,
    inference_duration: Histogram,
    batch_size: Histogram,
    /// In the order of [`Release::ALL`].
    batches: [Counter; 6],
    input_bytes: Counter,
    padding_bytes: Counter,
}

impl ModelMetrics {
    pub(super) fn new(families: Arc<Families>, id: &ModelId) -> Self {
        let labels = model_labels(Some(id));
        Self {
            ok: families.requests(&labels, "ok"),
            request_duration: families.request_duration.get_or_create_owned(&labels),
            queue_wait: families.queue_wait.get_or_create_owned(&labels),
            batching_duration: families.batching_duration.get_or_create_owned(&labels),
            inference_duration: families.inference_duration.get_or_create_owned(&labels),
            batch_size: families.batch_size.get_or_create_owned(&labels),
            batches: Release::ALL.map(|release| families.batches(&labels, release)),
            input_bytes: families.input_bytes.get_or_create_owned(&labels),
            padding_bytes: families.padding_bytes.get_or_create_owned(&labels),
            families,
            labels,
        }
    }

    /// Reports how much a batcher has to do, for as long as it lives.
    pub fn watch_load(&self, batcher: &Arc<Batcher>) {
        self.families.loads.watch(self.labels.clone(), batcher);
    }
}

impl PredictionObserver for ModelMetrics {
    fn interest(&self) -> Interest {
        Interest::Metadata
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        self.request_duration.observe(record.elapsed.as_secs_f64());
        match record.result {
            Ok(response) => {
                self.queue_wait.observe(response.timings.queue.as_secs_f64());
                self.ok.inc();
            }
            Err(error) => {
                self.families.requests(&self.labels, error.code()).inc();
            }
        }
    }
}

impl BatchObserver for ModelMetrics {
    fn observe(&self, record: &BatchRecord<'_>) {
        self.batch_size.observe(record.rows as f64);
        for (release, batches) in Release::ALL.iter().zip(&self.batches) {
            if *release == record.release {
                batches.inc();
            }
        }
        self.input_bytes.inc_by(record.input_bytes as u64);
        self.padding_bytes.inc_by(record.padding_bytes as u64);
        self.batching_duration.observe(record.timings.batching.as_secs_f64());
        self.inference_duration.observe(record.timings.inference.as_secs_f64());
    }
}

//! The metrics that are in the registry.

use std::collections::BTreeSet;

use mlops_core::model::ModelId;
use parking_lot::Mutex;
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::load::Loads;
use crate::batch::Release;

/// Seconds; from half a millisecond, where a small model on a CPU is, to ten seconds.
const DURATION_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds; a queue or the stacking of a batch takes microseconds.
const SHORT_BUCKETS: [f64; 14] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01,
    0.05, 0.25, 1.0,
];

pub(super) type ModelLabels = [(&'static str, String); 2];
/// Those of a model, and one more: a code or a reason.
type MoreLabels = [(&'static str, String); 3];
type Histograms = Family<ModelLabels, Histogram, fn() -> Histogram>;

#[derive(Debug)]
pub(super) struct Families {
    requests: Family<MoreLabels, Counter>,
    batches: Family<MoreLabels, Counter>,
    pub(super) input_bytes: Family<ModelLabels, Counter>,
    pub(super) padding_bytes: Family<ModelLabels, Counter>,
    pub(super) request_duration: Histograms,
    pub(super) queue_wait: Histograms,
    pub(super) batching_duration: Histograms,
    pub(super) inference_duration: Histograms,
    pub(super) batch_size: Histograms,
    pub(super) loads: Loads,
    /// Codes that have been used as labels.
    codes: Mutex<BTreeSet<&'static str>>,
}

impl Families {
    /// Adds them to a registry.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let durations: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS);
        let short: fn() -> Histogram = || Histogram::new(SHORT_BUCKETS);
        let sizes: fn() -> Histogram = || Histogram::new(exponential_buckets(1.0, 2.0, 11));
        let families = Self {
            requests: Family::default(),
            batches: Family::default(),
            input_bytes: Family::default(),
            padding_bytes: Family::default(),
            request_duration: Family::new_with_constructor(durations),
            queue_wait: Family::new_with_constructor(short),
            batching_duration: Family::new_with_constructor(short),
            inference_duration: Family::new_with_constructor(durations),
            batch_size: Family::new_with_constructor(sizes),
            loads: Loads::register(registry),
            codes: Mutex::default(),
        };
        let requests = families.requests.clone();
        registry.register("mlops_requests", "Requests answered, by result code", requests);
        for (name, help, family) in [
            (
                "mlops_request_duration",
                "From a request's arrival to its answer",
                &families.request_duration,
            ),
            ("mlops_queue_wait", "Time a request waited for a session", &families.queue_wait),
            ("mlops_batching_duration", "Stacking a batch", &families.batching_duration),
            ("mlops_inference_duration", "Running a batch", &families.inference_duration),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        }
        registry.register("mlops_batch_size", "Rows in a batch", families.batch_size.clone());
        let batches = families.batches.clone();
        registry.register("mlops_batches", "Batches run, by why they were run then", batches);
        for (name, help, family) in [
            ("mlops_batch_input", "Inputs that were run", &families.input_bytes),
            (
                "mlops_batch_padding",
                "Inputs that were run and were padding",
                &families.padding_bytes,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Bytes, family.clone());
        }
        families
    }

    /// Requests for this model that ended with this code.
    pub(super) fn requests(&self, model: &ModelLabels, code: &'static str) -> Counter {
        self.codes.lock().insert(code);
        self.requests.get_or_create_owned(&more(model, "code", code))
    }

    /// Batches of this model that were run for this reason.
    pub(super) fn batches(&self, model: &ModelLabels, release: Release) -> Counter {
        self.batches.get_or_create_owned(&more(model, "reason", release.name()))
    }

    /// Drops everything of a model.
    pub(super) fn forget(&self, model: &ModelLabels) {
        for code in &*self.codes.lock() {
            self.requests.remove(&more(model, "code", code));
        }
        for release in Release::ALL {
            self.batches.remove(&more(model, "reason", release.name()));
        }
        for counters in [&self.input_bytes, &self.padding_bytes] {
            counters.remove(model);
        }
        for histograms in [
            &self.request_duration,
            &self.queue_wait,
            &self.batching_duration,
            &self.inference_duration,
            &self.batch_size,
        ] {
            histograms.remove(model);
        }
        self.loads.forget(model);
    }
}

fn more(model: &ModelLabels, name: &'static str, value: &'static str) -> MoreLabels {
    let [model, version] = model.clone();
    [model, version, (name, value.to_owned())]
}

/// The labels of a model; `None` for one that nobody knows.
pub(super) fn model_labels(id: Option<&ModelId>) -> ModelLabels {
    match id {
        Some(id) => [("model", id.name.to_string()), ("version", id.version.to_string())],
        None => [("model", "unknown".into()), ("version", String::new())],
    }
}

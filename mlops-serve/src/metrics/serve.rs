//! [`ServeMetrics`].

use std::{
    fmt,
    sync::{Arc, Weak},
};

use mlops_core::{Error, model::ModelId};
use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{
        MetricType,
        counter::Counter,
        family::Family,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::model::ModelMetrics;
use crate::{batch::Batcher, record::RequestRecorder};

/// Seconds; from half a millisecond, where a small model on a CPU is, to ten seconds.
const DURATION_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds; a queue or the stacking of a batch takes microseconds.
const SHORT_BUCKETS: [f64; 14] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01,
    0.05, 0.25, 1.0,
];

pub(super) type ModelLabels = [(&'static str, String); 2];
pub(super) type RequestLabels = [(&'static str, String); 3];
/// The batchers whose load is reported.
type Loads = Arc<Mutex<Vec<(ModelLabels, Weak<Batcher>)>>>;
type Histograms = Family<ModelLabels, Histogram, fn() -> Histogram>;

/// The metrics of every model of a server. Clones share them.
#[derive(Debug, Clone)]
pub struct ServeMetrics {
    pub(super) families: Arc<Families>,
    loads: Loads,
}

#[derive(Debug)]
pub(super) struct Families {
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) request_duration: Histograms,
    pub(super) queue_wait: Histograms,
    pub(super) batching_duration: Histograms,
    pub(super) inference_duration: Histograms,
    pub(super) batch_size: Histograms,
}

impl ServeMetrics {
    /// Adds the metrics to a registry. Once a registry: a second time would repeat their names.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let durations: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS);
        let short: fn() -> Histogram = || Histogram::new(SHORT_BUCKETS);
        let sizes: fn() -> Histogram = || Histogram::new(exponential_buckets(1.0, 2.0, 11));
        let families = Families {
            requests: Family::default(),
            request_duration: Family::new_with_constructor(durations),
            queue_wait: Family::new_with_constructor(short),
            batching_duration: Family::new_with_constructor(short),
            inference_duration: Family::new_with_constructor(durations),
            batch_size: Family::new_with_constructor(sizes),
        };
        registry.register(
            "mlops_requests",
            "Requests answered, by result code",
            families.requests.clone(),
        );
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
        let metrics = Self { families: Arc::new(families), loads: Arc::default() };
        registry.register_collector(Box::new(LoadCollector(Arc::clone(&metrics.loads))));
        metrics
    }

    /// The metrics of one model, looked up once instead of at every request.
    #[must_use]
    pub fn model(&self, id: &ModelId) -> Arc<ModelMetrics> {
        Arc::new(ModelMetrics::new(self.clone(), id))
    }

    pub(super) fn watch_load(&self, labels: ModelLabels, batcher: &Arc<Batcher>) {
        let mut loads = self.loads.lock();
        loads.retain(|(known, load)| load.strong_count() > 0 && *known != labels);
        loads.push((labels, Arc::downgrade(batcher)));
    }
}

impl RequestRecorder for ServeMetrics {
    fn refused(&self, model: Option<&Arc<ModelId>>, error: &Error) {
        let [name, version] = model_labels(model.map(|id| &**id));
        let labels = [name, version, ("code", error.code().to_owned())];
        self.families.requests.get_or_create(&labels).inc();
    }
}

pub(super) fn model_labels(id: Option<&ModelId>) -> ModelLabels {
    match id {
        Some(id) => [("model", id.name.to_string()), ("version", id.version.to_string())],
        None => [("model", "unknown".into()), ("version", String::new())],
    }
}

/// Asks every batcher that still lives for its load when metrics are read.
struct LoadCollector(Loads);

impl Collector for LoadCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let loads: Vec<_> = self
            .0
            .lock()
            .iter()
            .filter_map(|(labels, batcher)| Some((labels.clone(), batcher.upgrade()?.load())))
            .collect();
        if loads.is_empty() {
            return Ok(());
        }
        let mut queued = encoder.encode_descriptor(
            "mlops_queue_depth",
            "Requests that wait for a session",
            None,
            MetricType::Gauge,
        )?;
        for (labels, load) in &loads {
            gauge(load.queued_requests).encode(queued.encode_family(labels)?)?;
        }
        let mut in_flight = encoder.encode_descriptor(
            "mlops_inflight_requests",
            "Requests accepted and not yet answered",
            None,
            MetricType::Gauge,
        )?;
        for (labels, load) in &loads {
            let count = load.queued_requests + load.running_requests;
            gauge(count).encode(in_flight.encode_family(labels)?)?;
        }
        Ok(())
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

impl fmt::Debug for LoadCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoadCollector")
    }
}

//! What batchers have to do, read when metrics are.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

use super::families::ModelLabels;
use crate::batch::Batcher;

/// The batchers whose load is reported, for as long as they live. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Loads(Arc<Mutex<Vec<Load>>>);

type Load = (ModelLabels, Weak<Batcher>);

impl Loads {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let loads = Self::default();
        registry.register_collector(Box::new(loads.clone()));
        loads
    }

    /// Reports this batcher's load, in place of one with the same labels.
    pub(super) fn watch(&self, labels: ModelLabels, batcher: &Arc<Batcher>) {
        let mut loads = self.0.lock();
        loads.retain(|(known, load)| load.strong_count() > 0 && *known != labels);
        loads.push((labels, Arc::downgrade(batcher)));
    }

    pub(super) fn forget(&self, labels: &ModelLabels) {
        self.0.lock().retain(|(known, _)| known != labels);
    }
}

impl Collector for Loads {
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

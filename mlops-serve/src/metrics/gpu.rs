//! What GPUs do, asked when metrics are read.

use std::{fmt, sync::Arc};

use mlops_core::gpu::{Gpu, GpuProbe};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

/// Adds the gauges of every GPU that answers `probe` to a registry.
///
/// The driver is asked at each reading. A GPU that does not answer has no gauges then, which alerts on
/// `absent` see.
pub fn register_gpus(registry: &mut Registry, probe: Arc<GpuProbe>) {
    registry.register_collector(Box::new(Gpus(probe)));
}

#[derive(Debug)]
struct Gpus(Arc<GpuProbe>);

impl Collector for Gpus {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gpus = match self.0.gpus() {
            Ok(gpus) if !gpus.is_empty() => gpus,
            Ok(_) => return Ok(()),
            Err(error) => {
                tracing::warn!(
                    error = error.report(),
                    "GPUs cannot be asked: they have no metrics"
                );
                return Ok(());
            }
        };
        let mut gauge = |name, help, of: fn(&Gpu) -> Option<f64>| {
            let values: Vec<_> = gpus.iter().filter_map(|gpu| Some((gpu, of(gpu)?))).collect();
            // A head without values is no metric.
            if values.is_empty() {
                return Ok(());
            }
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (gpu, value) in values {
                let labels = [("gpu", gpu.index.to_string()), ("uuid", gpu.uuid.clone())];
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
            Ok(())
        };
        gauge("mlops_gpu_utilization_ratio", "Time in which a kernel ran, of 1", |gpu| {
            gpu.utilization_percent.map(|percent| f64::from(percent) / 100.0)
        })?;
        gauge("mlops_gpu_memory_used_bytes", "GPU memory taken", |gpu| {
            Some(gpu.memory_used_bytes as f64)
        })?;
        gauge("mlops_gpu_memory_total_bytes", "GPU memory built in", |gpu| {
            Some(gpu.memory_total_bytes as f64)
        })
    }
}

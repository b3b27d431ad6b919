//! Metrics in the caller's `prometheus_client` registry, and their text forms.
//!
//! | metric | labels | |
//! | --- | --- | --- |
//! | `mlops_requests_total` | model, version, code | requests answered; `code` is `ok` or [`Error::code`](mlops_core::Error::code) |
//! | `mlops_request_duration_seconds` | model, version | from arrival to answer |
//! | `mlops_queue_wait_seconds` | model, version | waiting for a session |
//! | `mlops_batching_duration_seconds` | model, version | stacking a batch |
//! | `mlops_inference_duration_seconds` | model, version | running a batch |
//! | `mlops_batch_size` | model, version | rows in a batch |
//! | `mlops_batches_total` | model, version, reason | batches run; `reason` is [`Release::name`](crate::batch::Release::name): mostly `full` says that the model is saturated |
//! | `mlops_batch_input_bytes_total` | model, version | inputs that were run, byte strings left out |
//! | `mlops_batch_padding_bytes_total` | model, version | how much of that was padding |
//! | `mlops_queue_depth` | model, version | requests that wait now |
//! | `mlops_inflight_requests` | model, version | requests accepted and not yet answered now |
//!
//! With the feature `nvml`, `register_gpus` adds `mlops_gpu_utilization_ratio`,
//! `mlops_gpu_memory_used_bytes` and `mlops_gpu_memory_total_bytes` (labels gpu, uuid).
//!
//! Requests for models that nobody knows count under the model `unknown`: labels are never the
//! client's to make up.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::{clock::SystemClock, observe::Observed, testing::session::{MockFactory, MockSession}};
//! use mlops_serve::{batch::{Batcher, BatcherOptions}, metrics::{Format, ServeMetrics, encode}};
//! use prometheus_client::registry::Registry;
//!
//! # fn main() -> mlops_core::Result<()> {
//! let mut registry = Registry::default();
//! let metrics = ServeMetrics::register(&mut registry);
//!
//! let id = mlops_core::model::ModelId::new("digits".parse()?, "1".parse()?);
//! let watched = metrics.model(&id);
//! # let factory = MockFactory::new(MockSession::identity(4));
//! let batcher = Batcher::builder(id, factory, BatcherOptions::default())
//!     .observer(watched.clone()) // batches
//!     .start()?;
//! let batcher = Arc::new(batcher);
//! watched.watch_load(&batcher); // depth and requests in flight
//! let model = Observed::wrap(batcher, vec![watched], Arc::new(SystemClock)); // requests
//!
//! let text = encode(&registry, Format::Classic);
//! assert!(text.contains("mlops_queue_depth{model=\"digits\",version=\"1\"} 0"));
//! # Ok(())
//! # }
//! ```

mod families;
#[cfg(feature = "nvml")]
mod gpu;
mod load;
mod model;
#[cfg(feature = "http")]
mod route;
mod serve;
mod text;

pub use prometheus_client;

#[cfg(feature = "nvml")]
pub use self::gpu::register_gpus;
#[cfg(feature = "http")]
pub use self::route::router;
pub use self::{
    model::ModelMetrics,
    serve::ServeMetrics,
    text::{Format, encode},
};

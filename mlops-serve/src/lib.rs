//! Serving models from within a Rust service: ONNX Runtime sessions, dynamic batching, the Open
//! Inference Protocol.
//!
//! ```no_run
//! use std::sync::Arc;
//! use mlops_core::{inference::{InferenceRequest, Predict}, model::ModelId, tensor::{NamedTensors, Tensor}};
//! use mlops_serve::{
//!     batch::{Batcher, BatcherOptions},
//!     session::onnxruntime::{DiscoverOptions, OnnxRuntime, OnnxSessionFactory, SessionOptions},
//! };
//!
//! # async fn example(image: ndarray::Array2<f32>) -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = OnnxRuntime::discover(&DiscoverOptions::default())?;
//! let factory = OnnxSessionFactory::from_file(&runtime, "digits.onnx", SessionOptions::default());
//! let id = ModelId::new("digits".parse()?, "1".parse()?);
//! let model = Arc::new(Batcher::start(id, factory, BatcherOptions::default())?);
//!
//! // From as many tasks as there are: rows of concurrent requests run as one batch.
//! let inputs = NamedTensors::single("input", Tensor::from_array(image));
//! let response = model.predict(InferenceRequest::new(inputs)).await?;
//! println!("{:?}", response.outputs.require("label")?.as_slice::<i64>()?);
//! # Ok(())
//! # }
//! ```
//!
//! | module | feature | |
//! | --- | --- | --- |
//! | `session::onnxruntime` | `onnxruntime` (default), `cuda`, `tensorrt` | models in ONNX Runtime, as `InferenceSession` |
//! | `session::tract` | `tract` | the same in pure Rust, for edge builds |
//! | [`batch`] | | [`batch::Batcher`]: many callers, one run; a `Predict` over any `SessionFactory` |
//! | [`ensemble`] | | models behind one another, Rust functions before and after them |
//! | [`balance`] | | one model on several replicas |
//! | [`host`] | | [`host::ModelHost`]: models loaded, swapped and unloaded while they serve; [`host::RegistryFollower`] |
//! | [`score`] | `polars`, `nats` | predictions in bulk: data frames, requests that come as messages |
//! | [`threads`] | | a budget of threads and cores for the sessions of all models |
//! | [`tune`] | | finds the setting a model serves best with |
//! | `protocol` | `http`, `grpc`, `shm` | Open Inference Protocol and health as axum routers; `serve` within limits |
//! | `remote` | `remote` | models on other Open Inference Protocol servers, as `Predict` |
//! | `tower` | `tower` | models as tower services and back |
//! | `metrics` | `prometheus` | requests, phases, batch sizes, load, GPUs (`nvml`); `/metrics` |
//!
//! **Not here**: a process of its own, a configuration file, a thread or task that starts behind
//! the host's back. What a method starts, its value owns and its `shutdown` ends.

pub mod balance;
pub mod batch;
mod blocking;
pub mod ensemble;
pub mod host;
#[cfg(feature = "prometheus")]
pub mod metrics;
#[cfg(any(feature = "http", feature = "remote"))]
pub mod protocol;
pub mod record;
#[cfg(feature = "remote")]
pub mod remote;
pub mod score;
pub mod session;
pub mod threads;
#[cfg(feature = "tower")]
pub mod tower;
pub mod tune;
mod warm_up;

pub use mlops_core;

pub use self::warm_up::WarmUp;

/// The README's example, compiled.
#[cfg(all(doctest, feature = "http", feature = "onnxruntime", feature = "prometheus"))]
#[doc = include_str!("../../README.md")]
struct Readme;

//! Finding the setting a model serves best with, by trying.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//! use mlops_core::{inference::SessionFactory, tensor::NamedTensors};
//! use mlops_serve::{
//!     session::onnxruntime::{OnnxRuntime, OnnxSessionFactory, SessionOptions},
//!     tune::{Setting, TuneOptions, Tuner},
//! };
//!
//! # fn example(runtime: &OnnxRuntime, inputs: NamedTensors) -> mlops_core::Result<()> {
//! let factory = |setting: Setting| {
//!     let options = SessionOptions::default().with_intra_threads(setting.intra_threads);
//!     let factory = OnnxSessionFactory::from_file(runtime, "model.onnx", options);
//!     Ok(Arc::new(factory) as Arc<dyn SessionFactory>)
//! };
//! let options = TuneOptions::new(Duration::from_millis(20));
//! let report = Tuner::new(factory, inputs, options).run()?;
//! if let Some(best) = report.best() {
//!     println!("{}: {:.0} requests/s", best.setting, best.throughput);
//! }
//! println!("{}", report.bottleneck());
//! # Ok(())
//! # }
//! ```
//!
//! `measure` tries one setting under load; `search` decides which comes next and which is best, and
//! `bottleneck` what keeps it from being better. The last two know nothing but measurements.

mod bottleneck;
mod measure;
mod options;
mod report;
mod search;
mod setting;
mod tuner;

pub use self::{
    bottleneck::Bottleneck,
    options::TuneOptions,
    report::TuneReport,
    setting::{Measurement, Setting},
    tuner::Tuner,
};

//! Drift, data-quality and performance monitoring.
//!
//! | | |
//! | --- | --- |
//! | [`stats`] | tests and distances of two samples, of values and of counts |
//! | [`multivariate`] | tests of whole rows and of embeddings |
//! | [`profile`] | what a feature looked like: counts at quantiles of the reference, which add up |
//! | [`compare`] | what has changed between two data sets, decided for all features together |
//! | [`monitor`] | live predictions, counted without a lock, and compared window by window |
//! | [`online`] | change detectors, which see one value at a time |
//! | [`performance`] | how well a model does, with labels that come late and without any |
//! | [`quality`] | what is expected of a data set, and whether it is so: suites, schemas, reports |
//! | [`generative`] | what language models write, scored: evaluators, judges, and estimates with few labels |
//! | [`report`] | what was found, as JSON, text and, with cargo feature `html`, a page |
//! | [`alert`] | from figures to what somebody should act on: thresholds, hysteresis, cooldown, groups, sinks |
//! | `frame` (feature `polars`) | data frames and scans of files: compared, profiled and checked in one call |
//!
//! Watching a model that is served, from a profile of what it was trained on:
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//! use mlops_core::{clock::SystemClock, inference::Predict, observe::Observed};
//! use mlops_drift::{
//!     alert::{AlertMonitor, AlertRule, Bad, LogSink, Thresholds},
//!     monitor::{FeatureMap, Monitor, MonitorOptions, MonitorWorker, Window},
//!     profile::Profile,
//! };
//!
//! # fn watch(model: Arc<dyn Predict>) -> mlops_core::Result<(Arc<dyn Predict>, MonitorWorker)> {
//! // Made by `Profile::fit`, or by `frame::profile` of a file, and saved.
//! let reference = Profile::open("reference.json")?;
//! // Features are found by their names: `age`, a tensor; `x[3]`, a column of one; `latency`.
//! let map = FeatureMap::new::<&str>(&reference, &model.descriptor().signature, [])?;
//! let options = MonitorOptions::default().with_window(Window::tumbling(Duration::from_secs(3600)));
//! let monitor = Arc::new(Monitor::new(&reference, map, &options)?);
//!
//! // Serve this one.
//! let clock = Arc::new(SystemClock);
//! let model = Observed::wrap(model, vec![monitor.clone()], clock.clone());
//!
//! let drift = AlertRule::new("feature_drift", Thresholds::new(Bad::Above, 1.0)?);
//! let mut alerts = AlertMonitor::new(vec![drift], vec![Arc::new(LogSink)])?;
//! let worker = MonitorWorker::start(monitor, clock, Duration::from_secs(60), move |checked| {
//!     for reading in &checked.readings {
//!         if let Err(error) = alerts.observe(reading, checked.window.end()) {
//!             tracing::error!(%error, "a reading could not be judged");
//!         }
//!     }
//! })?;
//! # Ok((model, worker))
//! # }
//! ```

pub mod alert;
pub mod compare;
mod element;
#[cfg(feature = "polars")]
pub mod frame;
pub mod generative;
pub mod monitor;
pub mod multivariate;
pub mod online;
pub mod performance;
pub mod profile;
pub mod quality;
pub mod report;
pub mod stats;

pub use ndarray;

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

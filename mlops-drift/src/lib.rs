//! Drift, data-quality and performance monitoring.
//!
//! | | |
//! | --- | --- |
//! | [`stats`] | tests and distances of two samples, of values and of counts |
//!
//! The live monitor, data quality, data frames and reports are not here yet.

pub mod stats;

//! Is the service still what it was: latency, errors, confidence and throughput, beside a baseline.

mod degradation;
mod latency;
mod observer;
mod options;
mod stats;

pub use self::{
    degradation::{Degradation, FigureChange, ServiceVerdict},
    latency::LatencyHistogram,
    observer::{ConfidenceFrom, ServiceObserver},
    options::{DegradationOptions, ServiceFigure},
    stats::ServiceStats,
};

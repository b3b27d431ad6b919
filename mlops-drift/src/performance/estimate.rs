//! [`Estimate`].

use serde::{Deserialize, Serialize};

/// A figure that is known with an error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Estimate {
    /// The figure with the square root of this variance, which rounding may have made less than 0.
    pub(super) fn new(value: f64, variance: f64) -> Self {
        Self { value, standard_error: variance.max(0.0).sqrt() }
    }
}

//! [`Interval`].

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where a quantity is, to the confidence that was asked for. Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end, not below the lower.
    pub high: f64,
}

impl Interval {
    /// True if `value` is in it, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// How far apart the ends are.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// `1 - confidence`, for a confidence that makes sense.
pub(super) fn error_rate(confidence: f64) -> Result<f64> {
    let rate = 1.0 - confidence;
    if rate > 0.0 && rate < 1.0 {
        Ok(rate)
    } else {
        Err(Error::invalid("confidence", format_args!("{confidence} is not between 0 and 1")))
    }
}

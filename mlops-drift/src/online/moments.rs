//! [`Mean`] and [`Moments`] of a stream.

use serde::{Deserialize, Serialize};

/// The mean so far (West 1979, "Updating mean and variance estimates: an improved method").
///
/// The order of the operations is river's, whose results are compared bit for bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mean {
    /// How many values there were: a whole number, kept as what it is used as.
    pub(super) count: f64,
    pub(super) mean: f64,
}

/// Counts up to here are exact.
const MAX_COUNT: f64 = (1_u64 << 53) as f64;

impl Mean {
    /// Whether it can be of values in this range.
    pub(super) fn is_of(&self, low: f64, high: f64) -> bool {
        // The mean of equal values may be a rounding error beyond them.
        let rounding = 1e-9 * (high - low);
        (0.0..=MAX_COUNT).contains(&self.count)
            && self.count.fract() == 0.0
            && (low - rounding..=high + rounding).contains(&self.mean)
    }

    pub(super) fn push(&mut self, value: f64) {
        self.count += 1.0;
        self.mean += (1.0 / self.count) * (value - self.mean);
    }
}

/// Mean and variance so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    pub(super) mean: Mean,
    /// Of the deviations from the mean.
    pub(super) sum_of_squares: f64,
}

impl Moments {
    /// Whether they can be of values in this range.
    pub(super) fn is_of(&self, low: f64, high: f64) -> bool {
        let most = (high - low) * (high - low) * self.mean.count;
        self.mean.is_of(low, high) && (0.0..=most).contains(&self.sum_of_squares)
    }

    pub(super) fn push(&mut self, value: f64) {
        let before = value - self.mean.mean;
        self.mean.push(value);
        self.sum_of_squares += before * (value - self.mean.mean);
    }

    /// With `n - 1` as divisor; zero for fewer than two values.
    pub(super) fn variance(&self) -> f64 {
        if self.mean.count > 1.0 { self.sum_of_squares / (self.mean.count - 1.0) } else { 0.0 }
    }
}

//! [`Bets`].

use serde::{Deserialize, Serialize};

/// How much to stake on the next observation in `[0, 1]`, from those before it: the predictable plug-in of
/// Waudby-Smith and Ramdas (2024).
///
/// `λ_t = √(2 ln(2/α) / (σ̂²_{t-1} t ln(1 + t)))`, with mean and variance estimated as if one observation of
/// ½ with variance ¼ had come first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bets {
    /// `2 ln(2/α)`.
    scale: f64,
    count: u64,
    sum: f64,
    /// Squares of distances from the mean that was estimated with each.
    squares: f64,
}

impl Bets {
    pub(super) fn new(alpha: f64) -> Self {
        Self { scale: 2.0 * (2.0 / alpha).ln(), count: 0, sum: 0.0, squares: 0.0 }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The mean, as estimated so far.
    pub(super) fn mean(&self) -> f64 {
        (0.5 + self.sum) / (self.count as f64 + 1.0)
    }

    /// `λ` for the next observation.
    pub(super) fn next(&self) -> f64 {
        let t = self.count as f64 + 1.0;
        let variance = (0.25 + self.squares) / t;
        (self.scale / (variance * t * t.ln_1p())).sqrt()
    }

    pub(super) fn update(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += (value - self.mean()).powi(2);
    }
}

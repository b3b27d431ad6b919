//! [`AsymptoticSequence`].

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    stats::{Interval, interval::error_rate},
};

/// A confidence sequence for the mean of observations without bounds.
///
/// What the central limit theorem gives for one look, for all looks from some time on: theorem 2.2 of
/// Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021), "Time-uniform central limit theory and asymptotic
/// confidence sequences", a mixture over a normal distribution of drifts. With the mean `μ̂` and the standard
/// deviation `σ̂` of `t` observations it is
/// `μ̂ ± σ̂ √(2 (t ρ² + 1) / (t² ρ²) · ln(√(t ρ² + 1) / α))`.
/// Heavy tails need a larger [`min_count`](AsymptoticOptions::min_count) before the promise is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsymptoticSequence {
    alpha: f64,
    /// `ρ²`.
    drift: f64,
    min_count: u64,
    count: u64,
    mean: f64,
    /// `Σ (x - mean)²`.
    squares: f64,
}

/// How an [`AsymptoticSequence`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AsymptoticOptions {
    /// The probability, in (0, 1), that the mean is in the interval at all times.
    pub confidence: f64,
    /// The number of observations at which the interval is the narrowest it can be. It is little wider at a
    /// tenth or at ten times as many.
    pub narrowest_at: u64,
    /// Observations before the first interval, at least 2: the limit theorem takes its time.
    pub min_count: u64,
}

impl Default for AsymptoticOptions {
    /// 95 %, narrowest at 1000, from 100 on.
    fn default() -> Self {
        Self { confidence: 0.95, narrowest_at: 1000, min_count: 100 }
    }
}

impl AsymptoticOptions {
    /// With this [`confidence`](Self::confidence).
    #[must_use]
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// With this [`narrowest_at`](Self::narrowest_at).
    #[must_use]
    pub fn with_narrowest_at(mut self, narrowest_at: u64) -> Self {
        self.narrowest_at = narrowest_at;
        self
    }

    /// With this [`min_count`](Self::min_count).
    #[must_use]
    pub fn with_min_count(mut self, min_count: u64) -> Self {
        self.min_count = min_count;
        self
    }
}

impl AsymptoticSequence {
    /// No observations yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1, a `narrowest_at` of 0, or a
    /// `min_count` below 2.
    pub fn new(options: AsymptoticOptions) -> Result<Self> {
        let alpha = error_rate(options.confidence)?;
        if options.narrowest_at == 0 {
            return Err(Error::invalid("narrowest_at", "it is 0; an interval needs observations"));
        }
        if options.min_count < 2 {
            let reason = format_args!("{} observations have no spread; 2 do", options.min_count);
            return Err(Error::invalid("min_count", reason));
        }
        // By the paper, nearly the best ρ for that time.
        let spent = -2.0 * alpha.ln();
        let drift = (spent + spent.ln_1p()) / options.narrowest_at as f64;
        let min_count = options.min_count;
        Ok(Self { alpha, drift, min_count, count: 0, mean: 0.0, squares: 0.0 })
    }

    /// Takes in one observation (Welford 1962).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one that is not finite, or so far out that squares overflow: nothing
    /// has changed then.
    pub fn update(&mut self, value: f64) -> Result<()> {
        let apart = value - self.mean;
        let mean = self.mean + apart / (self.count as f64 + 1.0);
        let squares = self.squares + apart * (value - mean);
        if !squares.is_finite() {
            let reason = format_args!("{value} is not finite, or too far out to be squared");
            return Err(Error::invalid("observation", reason));
        }
        self.count += 1;
        self.mean = mean;
        self.squares = squares;
        Ok(())
    }

    /// Where the mean is; `None` before [`min_count`](AsymptoticOptions::min_count) observations. Of
    /// constants it is a point.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        if self.count < self.min_count {
            return None;
        }
        let t = self.count as f64;
        let mixed = t * self.drift + 1.0;
        let width = 2.0 * mixed / (t * t * self.drift) * (0.5 * mixed.ln() - self.alpha.ln());
        let half = (self.squares / t * width).sqrt();
        Some(Interval { low: self.mean - half, high: self.mean + half })
    }

    /// The mean of the observations so far; 0 if there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Observations so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}

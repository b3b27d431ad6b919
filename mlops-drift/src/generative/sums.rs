//! Moments of one and of two columns, one row at a time, which add up.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Count, mean, and squares around it (Welford 1962; merged by Chan, Golub and LeVeque 1979).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) count: u64,
    pub(super) mean: f64,
    /// `Σ (x - mean)²`.
    pub(super) squares: f64,
}

/// The same of pairs, and what they have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PairSums {
    pub(super) first: Sums,
    pub(super) second: Sums,
    /// `Σ (x - mean x)(y - mean y)`.
    pub(super) products: f64,
}

/// Counts up to here are exact as `f64`.
const MAX_COUNT: u64 = 1 << 53;

impl Sums {
    /// Whether values lead to them; what was read from a file may be anything.
    pub(super) fn is_possible(&self) -> bool {
        self.count <= MAX_COUNT
            && self.mean.is_finite()
            && (0.0..f64::INFINITY).contains(&self.squares)
    }

    /// How large values are.
    fn size(&self) -> f64 {
        self.mean.abs() + self.variance().sqrt()
    }

    /// Takes in a value, or leaves everything as it is.
    pub(super) fn push(&mut self, value: f64, what: &'static str) -> Result<()> {
        let apart = value - self.mean;
        let mean = self.mean + apart / (self.count as f64 + 1.0);
        let squares = self.squares + apart * (value - mean);
        if !squares.is_finite() {
            let reason = format_args!("{value} is not finite, or too far out to be squared");
            return Err(Error::invalid(what, reason));
        }
        *self = Self { count: self.count.saturating_add(1), mean, squares };
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let count = self.count.saturating_add(other.count);
        if count == 0 {
            return;
        }
        let (mine, theirs) = (self.count as f64, other.count as f64);
        let apart = other.mean - self.mean;
        self.squares += other.squares + apart * apart * (mine * (theirs / count as f64));
        self.mean += apart * (theirs / count as f64);
        self.count = count;
    }

    /// `Σ (x - mean)² / n`; 0 of nothing.
    pub(super) fn variance(&self) -> f64 {
        self.squares / self.count.max(1) as f64
    }
}

impl PairSums {
    /// Whether pairs of values lead to them.
    pub(super) fn is_possible(&self) -> bool {
        let Self { first, second, products } = self;
        let rounding = 1e-9 * first.count as f64 * first.size() * second.size();
        first.is_possible()
            && second.is_possible()
            && first.count == second.count
            // Cauchy and Schwarz.
            && products.abs() <= first.squares.sqrt() * second.squares.sqrt() + rounding
    }

    pub(super) fn push(&mut self, first: f64, second: f64, what: [&'static str; 2]) -> Result<()> {
        let mut next = *self;
        next.first.push(first, what[0])?;
        next.second.push(second, what[1])?;
        next.products += (first - self.first.mean) * (second - next.second.mean);
        *self = next;
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let count = self.first.count.saturating_add(other.first.count).max(1) as f64;
        let (mine, theirs) = (self.first.count as f64, other.first.count as f64);
        let apart = [other.first.mean - self.first.mean, other.second.mean - self.second.mean];
        self.products += other.products + apart[0] * apart[1] * (mine * (theirs / count));
        self.first.merge(&other.first);
        self.second.merge(&other.second);
    }

    pub(super) fn covariance(&self) -> f64 {
        self.products / self.first.count.max(1) as f64
    }
}

//! [`Draw`]: random data.

use mlops_core::random::RandomStream;
use mlops_drift::stats::Sample;

use crate::Result;

/// A distribution that numbers are drawn from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// The normal one.
    Bell,
    /// The inverse of a uniform number: no moment is finite.
    HeavyTail,
    /// Forty different numbers.
    Ties,
    /// Five different numbers.
    Few,
}

/// Random data of one trial.
#[derive(Debug)]
pub(super) struct Draw(RandomStream);

impl Draw {
    pub(super) fn new(stream: RandomStream) -> Self {
        Self(stream)
    }

    pub(super) fn uniform(&mut self) -> f64 {
        self.0.next_unit()
    }

    /// By the method of Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(super) fn number(&mut self, kind: Kind) -> f64 {
        match kind {
            Kind::Bell => self.normal(),
            Kind::HeavyTail => 1.0 / (1.0 - self.uniform()),
            Kind::Ties => (self.uniform() * 40.0).floor(),
            Kind::Few => (self.uniform() * 5.0).floor(),
        }
    }

    pub(super) fn numbers(&mut self, kind: Kind, rows: usize) -> Vec<f64> {
        (0..rows).map(|_| self.number(kind)).collect()
    }

    pub(super) fn sample(&mut self, kind: Kind, rows: usize) -> Result<Sample> {
        Ok(Sample::new("sample", self.numbers(kind, rows))?)
    }

    /// Rows of each of `of` categories; with a `skew` above 1 the first are more frequent.
    pub(super) fn counts(&mut self, of: usize, skew: i32, rows: usize) -> Vec<u64> {
        let mut counts = vec![0; of];
        for _ in 0..rows {
            counts[(self.uniform().powi(skew) * of as f64) as usize] += 1;
        }
        counts
    }
}

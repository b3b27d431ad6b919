//! How far apart the directions of two means are by chance.

use mlops_core::{Error, Result, random::RandomKey, stats::normal};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Moments, cholesky::Cholesky, embedding::EmbeddingOptions};

/// What cosine distances are made of when nothing changes: of a mean and of pairs of errors, `e` and `f`,
/// of one row each. Errors of means of any number of rows are these divided by its root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CosineNull {
    /// The squared length of the mean.
    square: f64,
    /// Of each pair, with the mean `μ`: `μ·e`, `μ·f`, `e·f`, `|e|²`, `|f|²`.
    pairs: Vec<[f64; 5]>,
}

/// By how much the square of a mean must be more than its variance for the mean to have a direction.
const DIRECTED: f64 = 10.0;

impl CosineNull {
    /// None where the mean is so near to 0 that its direction is chance.
    pub(super) fn simulate(reference: &Moments, options: EmbeddingOptions) -> Result<Option<Self>> {
        let shrunk =
            reference.shrunk_covariance().ok_or_else(|| Error::invalid("reference", "no rows"))?;
        let mut covariance = shrunk.matrix;
        let average = covariance.diag().sum() / reference.columns() as f64;

        let mean = reference.mean();
        let observed = mean.dot(&mean);
        let by_chance = average * reference.columns() as f64 / reference.rows() as f64;
        // A mean is longer than the truth by the variance it has.
        let square = observed - by_chance;
        if square < DIRECTED * by_chance || square <= 0.0 {
            return Ok(None);
        }
        let mean = &mean * (square / observed).sqrt();

        // The eigenvalues of the best estimate of the matrix are less unequal than the true ones, by as much
        // as those of the sample are more: in between the sum of their squares is right.
        let back =
            if shrunk.intensity < 1.0 { (1.0 - shrunk.intensity).sqrt().recip() } else { 0.0 };
        covariance *= back;
        covariance.diag_mut().map_inplace(|value| *value += (1.0 - back) * average);
        let lower = Cholesky::new("covariance of the reference", covariance)?;
        let key = RandomKey::from_seed(options.seed).derive("errors of embeddings");
        let mut pairs = Vec::with_capacity(options.simulations as usize);
        // Some at a time, so that it is a matrix product of little memory.
        let all: Vec<u64> = (0..u64::from(options.simulations)).collect();
        for some in all.chunks(128) {
            let errors = [0, 1].map(|side| {
                let mut errors = Array2::zeros((some.len(), mean.len()));
                for (mut row, simulation) in errors.rows_mut().into_iter().zip(some) {
                    let mut random = key.stream(2 * simulation + side);
                    // Half a step from 0, where the quantile is infinite.
                    let step = 0.5 / (1_u64 << 53) as f64;
                    row.map_inplace(|value| *value = normal::quantile(random.next_unit() + step));
                }
                errors.dot(&lower.lower().t())
            });
            for (e, f) in errors[0].rows().into_iter().zip(errors[1].rows()) {
                pairs.push([mean.dot(&e), mean.dot(&f), e.dot(&f), e.dot(&e), f.dot(&f)]);
            }
        }
        Ok(Some(Self { square, pairs }))
    }

    /// Whether these are products of vectors.
    pub(super) fn is_possible(&self) -> bool {
        let rounding = 1.0 + 1e-9;
        let possible = |[me, mf, ef, ee, ff]: &[f64; 5]| {
            *ee >= 0.0
                && *ff >= 0.0
                && me * me <= self.square * ee * rounding
                && mf * mf <= self.square * ff * rounding
                && ef * ef <= ee * ff * rounding
        };
        self.square > 0.0 && !self.pairs.is_empty() && self.pairs.iter().all(possible)
    }

    /// Distances of means of so many rows each.
    pub(super) fn distances(&self, first: u64, second: u64) -> Vec<f64> {
        let (a, b) = ((first as f64).sqrt().recip(), (second as f64).sqrt().recip());
        let distance = |[me, mf, ef, ee, ff]: &[f64; 5]| {
            let product = self.square + a * me + b * mf + a * b * ef;
            let first = self.square + 2.0 * a * me + a * a * ee;
            let second = self.square + 2.0 * b * mf + b * b * ff;
            // Apart, because a product of squares could overflow.
            let lengths = first.sqrt() * second.sqrt();
            if lengths > 0.0 { (1.0 - product / lengths).clamp(0.0, 2.0) } else { 1.0 }
        };
        self.pairs.iter().map(distance).collect()
    }
}

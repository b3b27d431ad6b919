//! [`CalibrationBins`]: whether a model is right as often as it says.

use serde::{Deserialize, Serialize};

/// Bins of confidence, equally wide: the number that is usual since Guo et al. (2017).
const BINS: usize = 15;

/// How often a model is right, by how confident it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibrationBins([Bin; BINS]);

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bin {
    rows: u64,
    right: u64,
    sum: f64,
    sum_squares: f64,
}

/// The expected calibration error, `Σ nᵦ/n |accuracyᵦ - confidenceᵦ|` over 15 bins of the confidence,
/// which is the probability that was given to the predicted class (Guo et al. 2017, "On calibration of
/// modern neural networks").
///
/// It is never 0, even of a calibrated model, whose bins are off by chance; so it comes with what chance
/// gives, in place of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationError {
    /// The error.
    pub value: f64,
    /// What a calibrated model with these confidences and as many rows is expected to show,
    /// `Σ nᵦ/n √(2 vᵦ / (π nᵦ))` with the mean `vᵦ` of `c (1 - c)`: each bin is off by a normal amount.
    pub if_calibrated: f64,
}

impl CalibrationBins {
    /// Counts a row that was predicted right (1) or not (0), with a confidence in `[0, 1]`.
    pub(super) fn observe(&mut self, confidence: f64, right: u64) {
        // A bin has its upper end, not the lower.
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let bin = &mut self.0[bin];
        bin.rows = bin.rows.saturating_add(1);
        bin.right = bin.right.saturating_add(right);
        bin.sum += confidence;
        bin.sum_squares += confidence * confidence;
    }

    /// Whether so many rows lead to them.
    pub(super) fn is_of(&self, rows: u64) -> bool {
        let rounding = 1.0 + 1e-9;
        let is_possible = |bin: &Bin| {
            bin.right <= bin.rows
                && (0.0..=bin.rows as f64 * rounding).contains(&bin.sum)
                && (0.0..=bin.sum * rounding).contains(&bin.sum_squares)
        };
        let sum = self.0.iter().fold(0_u64, |sum, bin| sum.saturating_add(bin.rows));
        sum == rows && self.0.iter().all(is_possible)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.rows = mine.rows.saturating_add(theirs.rows);
            mine.right = mine.right.saturating_add(theirs.right);
            mine.sum += theirs.sum;
            mine.sum_squares += theirs.sum_squares;
        }
    }

    pub(super) fn error(&self) -> Option<CalibrationError> {
        let rows: f64 = self.0.iter().map(|bin| bin.rows as f64).sum();
        let (mut off, mut chance) = (0.0, 0.0);
        for Bin { right, sum, sum_squares, .. } in self.0 {
            off += (right as f64 - sum).abs();
            chance += (std::f64::consts::FRAC_2_PI * (sum - sum_squares).max(0.0)).sqrt();
        }
        (rows > 0.0).then(|| CalibrationError { value: off / rows, if_calibrated: chance / rows })
    }
}

//! The Wasserstein distance of order 1, or earth mover's distance.

use super::{Sample, ecdf};

/// The Wasserstein-1 distance, `∫ |F1(x) - F2(x)| dx`, where `F1` and `F2` are the samples' empirical
/// distribution functions: how far values must be moved on average to turn one sample into the other,
/// in the unit of the values. SciPy's `wasserstein_distance`. Infinite if it is beyond the range of
/// `f64`.
#[must_use]
pub fn distance(first: &Sample, second: &Sample) -> f64 {
    let unit = 1.0 / (first.len() as f64 * second.len() as f64);
    let mut sum = 0.0;
    ecdf::walk(first, second, |difference, from, to| {
        // Halves, so that the widest stretch does not overflow.
        sum += difference.abs() as f64 * unit * (to * 0.5 - from * 0.5);
    });
    2.0 * sum
}

/// The Wasserstein-1 [`distance`] in standard deviations of the reference, whose divisor is the number
/// of values: a figure without a unit, to be compared with one threshold for all variables.
///
/// A reference of one value has no spread: 0 if the current sample is that value too, otherwise
/// infinite.
#[must_use]
pub fn normed_distance(reference: &Sample, current: &Sample) -> f64 {
    let distance = distance(reference, current);
    let deviation = reference.standard_deviation();
    if distance == 0.0 || distance == f64::INFINITY {
        return distance;
    }
    distance / deviation
}

//! The Anderson-Darling test of two or more samples.

use mlops_core::{Error, Result, stats::TestResult};
use serde::{Deserialize, Serialize};

use super::{
    Sample, ecdf,
    permutation::{self, PermutationOptions},
};

/// What an Anderson-Darling test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AndersonDarlingResult {
    /// `A²`, less its mean and over its standard deviation if all samples are from one distribution.
    pub statistic: f64,
    /// How probable a statistic as large is then: in `[0.001, 0.25]`, the range of the table that it is
    /// interpolated from.
    pub p_value: f64,
    /// What is known of the probability itself.
    pub range: PValueRange,
}

/// Where a probability lies that is known in a limited range only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PValueRange {
    /// Within the range: the figure given is the probability.
    Within,
    /// Above the range: the probability is larger than the figure given, its upper end.
    Above,
    /// Below the range: the probability is smaller than the figure given, its lower end.
    Below,
}

impl From<AndersonDarlingResult> for TestResult {
    fn from(result: AndersonDarlingResult) -> Self {
        Self { statistic: result.statistic, p_value: result.p_value }
    }
}

/// The Anderson-Darling test of whether all samples, two or more, are from one distribution (Scholz &
/// Stephens 1987, with mid-ranks: their equation 7). SciPy's `anderson_ksamp(variant="midrank")`.
///
/// It weighs differences of the distribution functions by how little they vary by chance, so that it
/// finds changes in the tails that [`cramer_von_mises`](super::cramer_von_mises) misses. The probability
/// is interpolated between seven critical values (their table 2), and is only a bound outside; see
/// [`permutation_test`] for all of its range. If all values are one, `A²` is 0.
///
/// # Errors
///
/// [`Error::InvalidArgument`] for fewer than two samples, or fewer than four values in all.
pub fn test(samples: &[&Sample]) -> Result<AndersonDarlingResult> {
    if samples.len() < 2 {
        return Err(Error::invalid("samples", format!("{}; at least 2 are needed", samples.len())));
    }
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    if total < 4 {
        let reason = format!("{total} values in all; at least 4 are needed");
        return Err(Error::invalid("samples", reason));
    }
    let degrees = (samples.len() - 1) as f64;
    let statistic = (distance(samples) - degrees) / variance(samples).sqrt();
    let critical: [f64; 7] = TABLE.map(|[_, b0, b1, b2]| b0 + b1 / degrees.sqrt() + b2 / degrees);
    let (p_value, range) = if statistic < critical[0] {
        (TABLE[0][0], PValueRange::Above)
    } else if statistic > critical[6] {
        (TABLE[6][0], PValueRange::Below)
    } else {
        let logs = TABLE.map(|[significance, ..]| significance.ln());
        (quadratic_fit(&critical, &logs, statistic).exp(), PValueRange::Within)
    };
    Ok(AndersonDarlingResult { statistic, p_value, range })
}

/// The Anderson-Darling test of two samples with its probability from random permutations, see
/// [`permutation::test`]. The statistic is that of [`test()`].
///
/// # Errors
///
/// Those of [`test()`] and [`permutation::test`].
pub fn permutation_test(
    first: &Sample,
    second: &Sample,
    options: PermutationOptions,
) -> Result<TestResult> {
    let AndersonDarlingResult { statistic, .. } = test(&[first, second])?;
    let result = permutation::test(first, second, options, |a, b| distance(&[a, b]))?;
    Ok(TestResult { statistic, ..result })
}

/// Significance, and the coefficients of its critical value in powers of `(k - 1)^(-1/2)`: Scholz &
/// Stephens (1987), table 2; the ends are SciPy's.
const TABLE: [[f64; 4]; 7] = [
    [0.25, 0.675, -0.245, -0.105],
    [0.1, 1.281, 0.25, -0.305],
    [0.05, 1.645, 0.678, -0.362],
    [0.025, 1.96, 1.149, -0.391],
    [0.01, 2.326, 1.822, -0.396],
    [0.005, 2.573, 2.364, -0.345],
    [0.001, 3.085, 3.615, -0.154],
];

/// `A²`: equation 7 of Scholz & Stephens (1987).
fn distance(samples: &[&Sample]) -> f64 {
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    let total = total as f64;
    let mut rest: Vec<&[f64]> = samples.iter().map(|sample| sample.values()).collect();
    let mut sums = vec![0.0; samples.len()];
    let mut equal = vec![0; samples.len()];
    let mut before = 0.0;
    while let Some(value) =
        rest.iter().filter_map(|values| values.first().copied()).reduce(f64::min)
    {
        for (count, values) in equal.iter_mut().zip(&mut rest) {
            *count = ecdf::run(values, value);
            *values = &values[*count..];
        }
        let ties = equal.iter().sum::<usize>() as f64;
        let middle = before + 0.5 * ties;
        before += ties;
        let scale = middle * (total - middle) - 0.25 * total * ties;
        // All values are one, and nothing differs.
        if scale <= 0.0 {
            return 0.0;
        }
        let weight = ties / scale;
        for (sum, ((sample, rest), equal)) in
            sums.iter_mut().zip(samples.iter().zip(&rest).zip(&equal))
        {
            let size = sample.len() as f64;
            let below = (sample.len() - rest.len()) as f64 - 0.5 * *equal as f64;
            let difference = total * below - middle * size;
            *sum += weight * difference * difference;
        }
    }
    let sum: f64 = sums.iter().zip(samples).map(|(sum, sample)| sum / sample.len() as f64).sum();
    sum * (total - 1.0) / (total * total)
}

/// The variance of `A²` if all samples are from one distribution: equation 4 of Scholz & Stephens
/// (1987).
fn variance(samples: &[&Sample]) -> f64 {
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    let inverse_sizes: f64 = samples.iter().map(|sample| 1.0 / sample.len() as f64).sum();
    // h is the harmonic number of N - 1, g the sum of 1 / ((N - i) j) over i < j < N.
    let (mut h, mut g) = (0.0, 0.0);
    for i in 1..total - 1 {
        h += 1.0 / (total - i) as f64;
        g += h / (i + 1) as f64;
    }
    h += 1.0;
    let (n, k) = (total as f64, samples.len() as f64);
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * inverse_sizes;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * inverse_sizes
        - 8.0 * h
        + 4.0 * g
        - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k
        + (4.0 * h - 4.0 * g + 6.0) * k
        + (2.0 * h - 6.0) * inverse_sizes
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    (((a * n + b) * n + c) * n + d) / ((n - 1.0) * (n - 2.0) * (n - 3.0))
}

/// The parabola nearest to the points, by least squares, at `x`: from polynomials that are orthogonal
/// over the points.
fn quadratic_fit(xs: &[f64; 7], ys: &[f64; 7], x: f64) -> f64 {
    let dot = |a: &[f64; 7], b: &[f64; 7]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mean = xs.iter().sum::<f64>() / 7.0;
    let linear = xs.map(|x| x - mean);
    let norm = dot(&linear, &linear);
    let squares = linear.map(|x| x * x);
    let (skew, spread) = (dot(&squares, &linear) / norm, norm / 7.0);
    let quadratic = linear.map(|x| x * x - skew * x - spread);
    let at = x - mean;
    ys.iter().sum::<f64>() / 7.0
        + dot(ys, &linear) / norm * at
        + dot(ys, &quadratic) / dot(&quadratic, &quadratic) * (at * at - skew * at - spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_its_own_fit() {
        let xs = [0.5, 1.0, 2.0, 2.5, 4.0, 5.5, 7.0];
        let ys = xs.map(|x: f64| 3.0 - 2.0 * x + 0.5 * x * x);
        assert!((quadratic_fit(&xs, &ys, 3.0) - 1.5).abs() < 1e-13);
    }
}

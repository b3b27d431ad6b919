//! The Epps-Singleton test.

use std::array::from_fn;

use mlops_core::{
    Error, Result,
    stats::{TestResult, chi_square},
};

use serde::{Deserialize, Serialize};

use super::{Sample, sample};

/// From what an Epps-Singleton test estimates the covariance of the difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EppsSingletonCovariance {
    /// From both samples together, which have the same if nothing has changed.
    #[default]
    Pooled,
    /// From each sample by itself: SciPy's. The mean of a small sample is then divided by what is estimated
    /// from it too, and they are not independent: of 2000 and 30 normal values 45 % are told apart at a
    /// level of 5 %, of 2000 and 300 still 10 %.
    Separate,
}

/// The Epps-Singleton test (1986): compares the samples' empirical characteristic functions at two
/// points, 0.4 and 0.8 over half the interquartile range of all values, and holds
/// `W = (n1 + n2) gᵀ S⁻¹ g` to the chi-square law of as many degrees of freedom as the covariance `S` has
/// rank, four unless the values are few and discrete. With [`EppsSingletonCovariance::Separate`] SciPy's
/// `epps_singleton_2samp`, with its correction of `W` where neither sample has more than 24 values.
///
/// It needs no continuous distribution, and has more power than [`ks`](super::ks) in many cases. Directions
/// in which the covariance is less than 1e-12 of its largest count as none: rounding alone.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if a sample has fewer than five values, or if the interquartile range of
/// all values is zero or beyond the range of `f64`: there is no scale to compare at.
pub fn test(
    first: &Sample,
    second: &Sample,
    covariance: EppsSingletonCovariance,
) -> Result<TestResult> {
    first.at_least(5)?;
    second.at_least(5)?;
    let scale = pooled_quantile(first, second, 0.75) - pooled_quantile(first, second, 0.25);
    if scale <= 0.0 || !scale.is_finite() {
        let reason = format!("the interquartile range of all values is {scale}");
        return Err(Error::invalid("samples", reason));
    }
    let frequency = 0.4 / (scale / 2.0);
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    let total = n1 + n2;
    let (one, other) = (Moments::new(first, frequency), Moments::new(second, frequency));
    let difference: [f64; 4] = from_fn(|i| one.mean[i] - other.mean[i]);
    let (inverse_shares, shares) = ([total / n1, total / n2], [n1 / total, n2 / total]);
    let covariance = from_fn(|i| {
        from_fn(|j| {
            let (one, other) = (one.covariance[i][j], other.covariance[i][j]);
            match covariance {
                EppsSingletonCovariance::Separate => {
                    inverse_shares[0] * one + inverse_shares[1] * other
                }
                // Around the mean of all, from which each sample's own is off by its part of the difference.
                EppsSingletonCovariance::Pooled => {
                    let between = shares[0] * shares[1] * difference[i] * difference[j];
                    let pooled = shares[0] * one + shares[1] * other + between;
                    (inverse_shares[0] + inverse_shares[1]) * pooled
                }
            }
        })
    });
    let (form, rank) = inverse_form(covariance, difference);
    let mut statistic = total * form;
    if n1.max(n2) < 25.0 {
        statistic /= 1.0 + total.powf(-0.45) + 10.1 * (n1.powf(-1.7) + n2.powf(-1.7));
    }
    let p_value = if rank == 0 { 1.0 } else { chi_square::sf(statistic, f64::from(rank)) };
    Ok(TestResult { statistic, p_value })
}

/// The cosines and sines at both points: their means, and their covariances with the number of values
/// as the divisor.
struct Moments {
    mean: [f64; 4],
    covariance: [[f64; 4]; 4],
}

impl Moments {
    /// In two passes: the covariance can be nearly singular, and has no digits to lose.
    fn new(sample: &Sample, frequency: f64) -> Self {
        let n = sample.len() as f64;
        let waves = |value: &f64| {
            let (sin, cos) = (frequency * value).sin_cos();
            // The second point is twice the first.
            [cos, 2.0 * cos * cos - 1.0, sin, 2.0 * sin * cos]
        };
        let mut sums = [0.0; 4];
        for g in sample.values().iter().map(waves) {
            sums = from_fn(|i| sums[i] + g[i]);
        }
        let mean = sums.map(|sum| sum / n);
        let mut products = [[0.0; 4]; 4];
        for g in sample.values().iter().map(waves) {
            let deviation: [f64; 4] = from_fn(|i| g[i] - mean[i]);
            for (row, one) in products.iter_mut().zip(deviation) {
                for (sum, other) in row.iter_mut().zip(deviation) {
                    *sum += one * other;
                }
            }
        }
        Self { mean, covariance: products.map(|row| row.map(|sum| sum / n)) }
    }
}

/// `gᵀ S⁺ g` with the pseudo-inverse of a symmetric matrix, and the rank of the matrix, from its
/// eigenvectors by Jacobi's rotations.
fn inverse_form(mut s: [[f64; 4]; 4], mut g: [f64; 4]) -> (f64, u32) {
    // Each sweep squares what is left beside the diagonal: these are more than enough.
    for _ in 0..12 {
        for p in 0..4 {
            for q in p + 1..4 {
                if s[p][q] == 0.0 {
                    continue;
                }
                let ratio = (s[q][q] - s[p][p]) / (2.0 * s[p][q]);
                let tan = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                let cos = 1.0 / tan.hypot(1.0);
                let sin = tan * cos;
                for row in &mut s {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
                let (above, below) = (s[p], s[q]);
                s[p] = from_fn(|k| cos * above[k] - sin * below[k]);
                s[q] = from_fn(|k| sin * above[k] + cos * below[k]);
                // `g` in the basis of the eigenvectors.
                (g[p], g[q]) = (cos * g[p] - sin * g[q], sin * g[p] + cos * g[q]);
            }
        }
    }
    let largest = (0..4).map(|k| s[k][k]).fold(0.0, f64::max);
    let kept = (0..4).filter(|k| s[*k][*k] > 1e-12 * largest);
    kept.fold((0.0, 0), |(form, rank), k| (form + g[k] * g[k] / s[k][k], rank + 1))
}

/// The quantile `p` of both samples together, see [`Sample::quantile`].
fn pooled_quantile(first: &Sample, second: &Sample, p: f64) -> f64 {
    let count = first.len() + second.len();
    let (below, share) = sample::quantile_position(count, p);
    let low = pooled_order_statistic(first.values(), second.values(), below);
    let next = (below + 1).min(count - 1);
    let high = pooled_order_statistic(first.values(), second.values(), next);
    sample::interpolate(low, high, share)
}

/// The value at `index` of both sorted slices together: as many of the first are before it as makes the
/// two slices meet, which is found by halving.
fn pooled_order_statistic(a: &[f64], b: &[f64], index: usize) -> f64 {
    // How many of `a` are among the first `index` values of all.
    let (mut low, mut high) = (index.saturating_sub(b.len()), index.min(a.len()));
    while low < high {
        let middle = (low + high) / 2;
        if a[middle] < b[index - middle - 1] {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let next = |values: &[f64], at: usize| values.get(at).copied().unwrap_or(f64::INFINITY);
    next(a, low).min(next(b, index - low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn order_statistics_of_both(
            mut a in prop::collection::vec(-5_i8..5, 1..20),
            mut b in prop::collection::vec(-5_i8..5, 1..20),
        ) {
            a.sort_unstable();
            b.sort_unstable();
            let mut all = [a.clone(), b.clone()].concat();
            all.sort_unstable();
            let floats = |values: Vec<i8>| values.into_iter().map(f64::from).collect::<Vec<_>>();
            let (a, b) = (floats(a), floats(b));
            for (index, expected) in all.into_iter().enumerate() {
                prop_assert_eq!(pooled_order_statistic(&a, &b, index), f64::from(expected));
            }
        }
    }

    #[test]
    fn the_form_of_a_matrix_that_has_no_inverse() {
        let mut s = [[0.0; 4]; 4];
        s[0] = [2.0, 1.0, 0.0, 0.0];
        s[1] = [1.0, 2.0, 0.0, 0.0];
        s[2][2] = 4.0;
        let (form, rank) = inverse_form(s, [1.0, 0.0, 2.0, 5.0]);
        assert_eq!(rank, 3);
        assert!((form - (2.0 / 3.0 + 1.0)).abs() < 1e-14, "{form}");
    }
}

//! The two-sample Kuiper test.

use std::f64::consts::{PI, TAU};

use mlops_core::stats::TestResult;

use super::{Sample, ecdf};

/// Kuiper's two-sample test: `V = max (F1 - F2) + max (F2 - F1)`, where `F1` and `F2` are the samples'
/// empirical distribution functions.
///
/// It is as sensitive in the tails as in the middle, finds a change of spread better than
/// [`ks`](super::ks), and does not depend on where a circle (hours of a day, directions) is cut open.
/// The probability is [`limit_sf`] of `V (√n + 0.155 + 0.24/√n)`, `n = n1 n2 / (n1 + n2)` (Stephens
/// 1970, "Use of the Kolmogorov-Smirnov, Cramér-von Mises and related statistics without extensive
/// tables"), which is good to two digits from some 8 values on. Ties make it conservative.
#[must_use]
pub fn test(first: &Sample, second: &Sample) -> TestResult {
    let found = ecdf::extremes(first, second);
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    let statistic = (found.above + found.below) as f64 / (n1 * n2);
    let root = (n1 * n2 / (n1 + n2)).sqrt();
    let p_value = limit_sf(statistic * (root + 0.155 + 0.24 / root));
    TestResult { statistic, p_value }
}

/// The limit of `P(√n V > x)` for large `n` (Kuiper 1960): `2 Σ_{k≥1} (4k²x² - 1) exp(-2k²x²)`, and for
/// small `x` one less the other form of that theta function,
/// `√(2π) π²/x³ Σ_{k≥1} k² exp(-π²k²/(2x²))`. 1 for `x` that is not positive, and for NaN.
#[must_use]
pub fn limit_sf(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    // Below the smallest positive number.
    if x > 30.0 {
        return 0.0;
    }
    let sum = |term: &dyn Fn(f64) -> f64| (1..=6).map(|k| term(f64::from(k * k))).sum::<f64>();
    if x < 1.0 {
        let power = -PI * PI / (2.0 * x * x);
        let scale = TAU.sqrt() * PI * PI / (x * x * x);
        let sum = sum(&|k2| k2 * (k2 * power).exp());
        // Far down the exponential is zero before its factor is infinite.
        if sum == 0.0 { 1.0 } else { 1.0 - scale * sum }
    } else {
        2.0 * sum(&|k2| (4.0 * k2 * x * x - 1.0) * (-2.0 * k2 * x * x).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_meet() {
        assert!((limit_sf(1.0 - f64::EPSILON) / limit_sf(1.0) - 1.0).abs() < 1e-14);
        assert_eq!((limit_sf(-1.0), limit_sf(0.0), limit_sf(1e-200)), (1.0, 1.0, 1.0));
        assert_eq!((limit_sf(f64::NAN), limit_sf(f64::INFINITY), limit_sf(1e200)), (1.0, 0.0, 0.0));
    }
}

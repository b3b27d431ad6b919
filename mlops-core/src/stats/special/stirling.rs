//! Stirling's formula and what it leaves out.

use std::f64::consts::TAU;

/// The logarithm of the gamma function, for `x` > 0.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    if x <= 0.0 { f64::NAN } else { libm::lgamma(x) }
}

/// What Stirling's formula leaves out: `ln n! - ln(√(2πn) (n/e)^n)`, for real `n` > 0.
///
/// Loader (2000). Right to a few units in the last place: above 10 by the asymptotic series
/// (DLMF 5.11.1), below by stepping up to there.
#[must_use]
pub fn stirling_error(n: f64) -> f64 {
    if n.is_nan() || n <= 0.0 {
        return f64::NAN;
    }
    let mut n = n;
    let mut steps = 0.0;
    while n < 10.0 {
        steps += step(n);
        n += 1.0;
    }
    let inverse_square = 1.0 / (n * n);
    let series = SERIES.iter().rev().fold(0.0, |sum, term| sum * inverse_square + term);
    steps + series / n
}

/// `B_2k / (2k (2k-1))` for k from 1.
const SERIES: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// `stirling_error(n) - stirling_error(n + 1)`, which is `(n + ½) ln(1 + 1/n) - 1`.
fn step(n: f64) -> f64 {
    if n < 1.0 {
        return (n + 0.5) * (1.0 / n).ln_1p() - 1.0;
    }
    // With v = 1 / (2n + 1) it is artanh(v) / v - 1, whose series subtracts nothing.
    let square = 1.0 / ((2.0 * n + 1.0) * (2.0 * n + 1.0));
    let (mut sum, mut power) = (0.0, 1.0);
    for k in 1..30 {
        power *= square;
        let next = sum + power / f64::from(2 * k + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// How far a count `x` is from its expectation `np`, in logarithms: `x ln(x / np) + np - x`, both >= 0.
///
/// Half the Poisson deviance; `bd0` of Loader (2000). Nothing cancels where the two are close.
#[must_use]
pub fn deviance(x: f64, np: f64) -> f64 {
    deviance_of(x, np, x - np)
}

/// [`deviance`] where `x - np` is known better than by subtracting.
pub(in crate::stats) fn deviance_of(x: f64, np: f64, difference: f64) -> f64 {
    if difference.abs() < 0.4 * (x + np) {
        // The logarithm is 2 artanh(v), and the first term of its series takes up np - x.
        let v = difference / (x + np);
        let mut sum = difference * v;
        let mut term = 2.0 * x * v;
        for k in 1..40 {
            term *= v * v;
            let next = sum + term / f64::from(2 * k + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    if x == 0.0 { np } else { x * (x / np).ln() - difference }
}

/// `ln n! - n ln n + n` for a count `n` >= 0: 0 at 0, where Stirling's formula has no value.
pub(in crate::stats) fn ln_factorial_rest(n: f64) -> f64 {
    if n == 0.0 { 0.0 } else { stirling_error(n) + 0.5 * (TAU * n).ln() }
}

/// The logarithm of the number of ways to choose `k` of `n`; minus infinity if `k` > `n`.
///
/// Counts above 2^53 are taken to the nearest double.
#[must_use]
pub fn ln_choose(n: u64, k: u64) -> f64 {
    if k > n {
        return f64::NEG_INFINITY;
    }
    let few = k.min(n - k) as f64;
    let rest = n as f64 - few;
    if few == 0.0 {
        return 0.0;
    }
    let n = n as f64;
    // The entropy of the split, whose two terms have the same sign.
    let entropy = few * (n / few).ln() - rest * (-few / n).ln_1p();
    entropy + (ln_factorial_rest(n) - ln_factorial_rest(rest)) - ln_factorial_rest(few)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_stirlings_formula_steps_as_the_factorial_does() {
        for n in [1e-9, 0.3, 0.999_999, 1.0, 2.5, 9.5, 10.5, 1e3] {
            let expected = ln_gamma(n + 1.0) - 0.5 * (TAU * n).ln() - n * n.ln() + n;
            let error = stirling_error(n);
            assert!(
                (error - expected).abs() < 4e-15 * n.max(30.0) * 10.0,
                "{n}: {error} {expected}"
            );
        }
        let jump = stirling_error(9.999_999_999_999_998) - stirling_error(10.0);
        assert!(jump.abs() < 1e-17, "the two branches meet: {jump}");
    }

    #[test]
    fn edges() {
        assert_eq!((deviance(0.0, 3.0), deviance(3.0, 0.0)), (3.0, f64::INFINITY));
        assert_eq!((deviance(0.0, 0.0), deviance(7.0, 7.0)), (0.0, 0.0));
        assert_eq!(
            (ln_choose(5, 0), ln_choose(5, 5), ln_choose(2, 3)),
            (0.0, 0.0, f64::NEG_INFINITY)
        );
        assert!(ln_gamma(0.0).is_nan() && ln_gamma(-1.5).is_nan() && ln_gamma(f64::NAN).is_nan());
        assert!(stirling_error(0.0).is_nan() && stirling_error(f64::NAN).is_nan());
    }

    #[test]
    fn the_branches_of_the_deviance_meet() {
        // 0.4 (x + np) = np - x at np / x = 7 / 3.
        for x in [1.0, 1e3, 1e6] {
            let (below, above) = (deviance(x, x * 2.333_333_333), deviance(x, x * 2.333_333_334));
            assert!(below < above && (above - below) < 1e-9 * x, "{below} {above}");
        }
    }
}

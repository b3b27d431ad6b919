//! The incomplete gamma functions.

use std::f64::consts::TAU;

use super::{
    gamma_uniform,
    stirling::{deviance, stirling_error},
};

/// The regularised lower incomplete gamma function `P(a, x) = γ(a, x) / Γ(a)`, DLMF 8.2.4.
///
/// For `a` > 0; 0 where `x` <= 0. Right to 1e-12 of its value up to `a` = 1e6 and to 1e-10 beyond, as small
/// as it gets. At most about a thousand steps of the series 8.11.4 or of the continued fraction 8.9.2; large
/// `a` near `x` by Temme's uniform expansion.
#[must_use]
pub fn gamma_p(a: f64, x: f64) -> f64 {
    match Region::of(a, x) {
        Region::Invalid => f64::NAN,
        Region::Zero => 0.0,
        Region::Infinity => 1.0,
        Region::Uniform => gamma_uniform::lower(a, x),
        Region::Series => series(a, x),
        Region::Fraction => 1.0 - fraction(a, x),
    }
}

/// The regularised upper incomplete gamma function `Q(a, x) = 1 - P(a, x)`, as exact as [`gamma_p`] where
/// it is small.
///
/// Where `a` is below about 0.1 and `x` below 1, it is right to 1e-15 absolutely, not of its value.
#[must_use]
pub fn gamma_q(a: f64, x: f64) -> f64 {
    match Region::of(a, x) {
        Region::Invalid => f64::NAN,
        Region::Zero => 1.0,
        Region::Infinity => 0.0,
        Region::Uniform => gamma_uniform::upper(a, x),
        Region::Series => 1.0 - series(a, x),
        Region::Fraction => fraction(a, x),
    }
}

/// `x` times the density of the gamma distribution of shape `a`: `x^a e^-x / Γ(a)`.
pub(in crate::stats) fn gamma_density_x(a: f64, x: f64) -> f64 {
    (a / TAU).sqrt() * (-stirling_error(a) - deviance(a, x)).exp()
}

/// Which method is good where.
enum Region {
    Invalid,
    Zero,
    Infinity,
    Uniform,
    Series,
    Fraction,
}

impl Region {
    fn of(a: f64, x: f64) -> Self {
        if a.is_nan() || x.is_nan() || a <= 0.0 || a.is_infinite() {
            Self::Invalid
        } else if x <= 0.0 {
            Self::Zero
        } else if x.is_infinite() {
            Self::Infinity
        } else if gamma_uniform::covers(a, x) {
            Self::Uniform
        } else if x < a + 1.0 {
            Self::Series
        } else {
            Self::Fraction
        }
    }
}

/// More than any argument outside the region of the uniform expansion takes.
const MAX_STEPS: u32 = 10_000;

fn series(a: f64, x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..MAX_STEPS {
        term *= x / (a + f64::from(n));
        sum += term;
        if term < sum * f64::EPSILON / 4.0 {
            break;
        }
    }
    (gamma_density_x(a, x) / a * sum).min(1.0)
}

fn fraction(a: f64, x: f64) -> f64 {
    // Lentz's method. The denominators are x + 1 - a + 2n, positive because x > a.
    let mut b = x + 1.0 - a;
    let mut c = f64::INFINITY;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..MAX_STEPS {
        let n = f64::from(n);
        let numerator = n * (a - n);
        b += 2.0;
        c = nonzero(b + numerator / c);
        d = 1.0 / nonzero(b + numerator * d);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    (gamma_density_x(a, x) * value).min(1.0)
}

/// Lentz's method divides by its partial denominators: one that is zero is moved by less than rounding.
pub(super) fn nonzero(denominator: f64) -> f64 {
    if denominator == 0.0 { f64::MIN_POSITIVE } else { denominator }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        for (a, x, p) in [(2.0, 0.0, 0.0), (2.0, -1.0, 0.0), (2.0, f64::INFINITY, 1.0)] {
            assert_eq!((gamma_p(a, x), gamma_q(a, x)), (p, 1.0 - p));
        }
        for (a, x) in
            [(0.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)]
        {
            assert!(gamma_p(a, x).is_nan() && gamma_q(a, x).is_nan());
        }
    }

    #[test]
    fn the_uniform_expansion_agrees_with_the_others() {
        for a in [1.01e4, 3e4, 1e5] {
            for share in [0.9001, 0.95, 0.99, 0.999, 1.0] {
                let (found, expected) = (gamma_uniform::lower(a, a * share), series(a, a * share));
                assert!(
                    (found - expected).abs() <= 1e-12 * expected,
                    "{a} {share}: {found} {expected}"
                );
            }
            for share in [1.001, 1.01, 1.05, 1.0999] {
                let (found, expected) =
                    (gamma_uniform::upper(a, a * share), fraction(a, a * share));
                assert!(
                    (found - expected).abs() <= 1e-12 * expected,
                    "{a} {share}: {found} {expected}"
                );
            }
        }
    }
}

//! Student's t distribution with `dof` > 0 degrees of freedom, which need not be whole; infinitely many
//! are the normal distribution.
//!
//! A `dof` that is not positive gives NaN, as NaN does.

use super::{
    normal,
    quantile::{Tail, invert},
    special::{Point, beta_density_xy, beta_inc_xy, ln_gamma},
};

/// How probable a value of at most `t` is.
#[must_use]
pub fn cdf(t: f64, dof: f64) -> f64 {
    sf(-t, dof)
}

/// How probable a value above `t` is: for `t` > 0, `½ I_x(dof/2, ½)` at `x = dof / (dof + t²)`, of full
/// relative accuracy.
#[must_use]
pub fn sf(t: f64, dof: f64) -> f64 {
    if t < 0.0 {
        return 1.0 - sf(-t, dof);
    }
    0.5 * two_sided(t, dof)
}

/// How probable a value at least as far from 0 as `t` is: the p-value of a two-sided t test.
#[must_use]
pub fn two_sided(t: f64, dof: f64) -> f64 {
    if t.is_nan() || dof.is_nan() || dof <= 0.0 {
        return f64::NAN;
    }
    if dof > NORMAL {
        return normal::two_sided(t);
    }
    let t = t.abs();
    let a = 0.5 * dof;
    if t / dof.sqrt() > FAR {
        // x^a / (a B(a, ½)), the leading term: t² may not be a double any more.
        let ln_beta = ln_gamma(a + 1.0) + ln_gamma(0.5) - ln_gamma(a + 0.5);
        return (-dof * (t / dof.sqrt()).ln() - ln_beta).exp();
    }
    let (x, y) = shares(t, dof);
    beta_inc_xy(a, 0.5, x, y)
}

/// The value that `cdf` takes to `p`; minus and plus infinity at 0 and 1, NaN for `p` outside `[0, 1]`.
#[must_use]
pub fn quantile(p: f64, dof: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || dof.is_nan() || dof <= 0.0 {
        return f64::NAN;
    }
    let normal = normal::quantile(p);
    if dof > NORMAL || normal.is_infinite() || normal == 0.0 {
        return normal;
    }
    let a = 0.5 * dof;
    let density_t = |t: f64| {
        let (x, y) = shares(t, dof);
        Point::of_xy(a, 0.5, x, y).map_or(f64::NAN, |point| beta_density_xy(a, 0.5, &point))
    };
    let (guess, end) = (normal.abs(), f64::INFINITY);
    let distance = if (p - 0.5).abs() < 0.25 {
        // The probability of the middle keeps the digits that the tail has lost.
        let middle = |t: f64| {
            let (x, y) = shares(t, dof);
            (beta_inc_xy(0.5, a, y, x), 2.0 * density_t(t))
        };
        invert(Tail::Lower, 2.0 * (p - 0.5).abs(), end, guess, middle)
    } else {
        invert(Tail::Upper, p.min(1.0 - p), end, guess, |t| {
            // Far out the tail is a power of t, and t times the density is dof times the tail.
            let tail = sf(t, dof);
            (tail, if t / dof.sqrt() > FAR { dof * tail } else { density_t(t) })
        })
    };
    distance.copysign(normal)
}

/// Multiples of `√dof` beyond which the tail is its leading power to the last digit.
const FAR: f64 = 1e10;

/// Degrees of freedom beyond which every tail that is a double is the normal one to the last digit.
const NORMAL: f64 = 1e30;

/// `dof / (dof + t²)` and `t² / (dof + t²)`.
fn shares(t: f64, dof: f64) -> (f64, f64) {
    let square = t * t;
    let sum = dof + square;
    (dof / sum, square / sum)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges() {
        assert_eq!((cdf(0.0, 3.0), two_sided(0.0, 3.0)), (0.5, 1.0));
        assert_eq!((sf(f64::INFINITY, 3.0), sf(f64::NEG_INFINITY, 3.0)), (0.0, 1.0));
        assert_eq!((quantile(0.0, 3.0), quantile(1.0, 3.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(quantile(0.5, 3.0), 0.0);
        assert_eq!(
            (two_sided(2.0, f64::INFINITY), quantile(0.9, f64::INFINITY)),
            (normal::two_sided(2.0), normal::quantile(0.9))
        );
        for (t, dof) in [(f64::NAN, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN)] {
            assert!(cdf(t, dof).is_nan() && quantile(t.abs(), dof).is_nan());
        }
    }

    #[test]
    fn one_degree_of_freedom_is_cauchy() {
        for t in [1e-3_f64, 0.7, 3.0, 1e4, 9e9, 2e10, 1e100, 1e200] {
            assert!((sf(t, 1.0) / ((1.0 / t).atan() / PI) - 1.0).abs() < 1e-13, "{t}");
        }
        let quantile = quantile(1e-300, 1.0);
        assert!((quantile * 1e-300 * PI + 1.0).abs() < 1e-12, "{quantile}");
    }

    proptest! {
        #[test]
        fn the_quantile_inverts(ln_p in -600.0_f64..-0.7, dof in 1.0_f64..1e7) {
            let p = ln_p.exp();
            let t = quantile(p, dof);
            // The logarithm of the tail changes by up to t² times as much as that of t.
            prop_assert!((cdf(t, dof) / p - 1.0).abs() < 1e-11, "{t} {}", cdf(t, dof));
            prop_assert!((quantile(1.0 - p, dof) + quantile(p, dof)).abs() < 1e-9 * t.abs() || p < 1e-5);
        }
    }
}

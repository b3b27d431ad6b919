//! The chi-square distribution with `dof` > 0 degrees of freedom, which need not be whole.
//!
//! A `dof` that is not positive and finite gives NaN, as NaN does.

use super::{
    normal,
    quantile::{Tail, invert},
    special::{gamma_density_x, gamma_p, gamma_q, ln_gamma},
};

/// How probable a value of at most `x` is: `P(dof/2, x/2)`.
#[must_use]
pub fn cdf(x: f64, dof: f64) -> f64 {
    gamma_p(0.5 * dof, 0.5 * x)
}

/// How probable a value above `x` is: `Q(dof/2, x/2)`, the p-value of a chi-square test.
#[must_use]
pub fn sf(x: f64, dof: f64) -> f64 {
    gamma_q(0.5 * dof, 0.5 * x)
}

/// The value that `cdf` takes to `p`; 0 and infinity at 0 and 1, NaN for `p` outside `[0, 1]`.
///
/// Where `p` is above a half, right as far as `1 - p` is: a `p` next to 1 has few digits left there.
#[must_use]
pub fn quantile(p: f64, dof: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || dof.is_nan() || dof <= 0.0 || dof.is_infinite() {
        return f64::NAN;
    }
    if p == 0.0 {
        return 0.0;
    }
    if p == 1.0 {
        return f64::INFINITY;
    }
    let a = 0.5 * dof;
    let guess = guess(p, dof);
    let half = if p <= 0.5 {
        invert(Tail::Lower, p, f64::INFINITY, guess, |x| (gamma_p(a, x), gamma_density_x(a, x)))
    } else {
        invert(Tail::Upper, 1.0 - p, f64::INFINITY, guess, |x| {
            (gamma_q(a, x), gamma_density_x(a, x))
        })
    };
    2.0 * half
}

/// Half the quantile, roughly: Wilson and Hilferty (1931), or by the leading power far below the mean.
fn guess(p: f64, dof: f64) -> f64 {
    let ninth = 2.0 / (9.0 * dof);
    let root = 1.0 - ninth + normal::quantile(p) * ninth.sqrt();
    if root > 0.2 {
        return 0.5 * dof * root.powi(3);
    }
    let a = 0.5 * dof;
    ((p.ln() + ln_gamma(a + 1.0)) / a).exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges() {
        assert_eq!((cdf(0.0, 3.0), sf(0.0, 3.0), sf(f64::INFINITY, 3.0)), (0.0, 1.0, 0.0));
        assert_eq!((quantile(0.0, 3.0), quantile(1.0, 3.0)), (0.0, f64::INFINITY));
        for (p, dof) in [(-0.1, 1.0), (1.1, 1.0), (f64::NAN, 1.0), (0.5, 0.0), (0.5, f64::NAN)] {
            assert!(quantile(p, dof).is_nan());
        }
    }

    #[test]
    fn two_degrees_of_freedom_are_exponential() {
        for x in [1e-9_f64, 0.3, 2.0, 40.0, 1300.0] {
            assert!((sf(x, 2.0) / (-0.5 * x).exp() - 1.0).abs() < 1e-12, "{x}");
            assert!((cdf(x, 2.0) / -(-0.5 * x).exp_m1() - 1.0).abs() < 1e-12, "{x}");
        }
    }

    proptest! {
        #[test]
        fn the_quantile_inverts(ln_p in -600.0_f64..-0.001, dof in 0.5_f64..1e5) {
            let p = ln_p.exp();
            let x = quantile(p, dof);
            // The tail changes by up to about dof times as much as x does.
            prop_assert!((cdf(x, dof) / p - 1.0).abs() < 1e-12 + 1e-15 * dof * 30.0, "{x}");
        }
    }
}

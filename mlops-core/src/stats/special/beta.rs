//! The incomplete beta function.

use std::f64::consts::TAU;

use super::{
    gamma::nonzero,
    stirling::{deviance_of, stirling_error},
};

/// The regularised incomplete beta function `I_x(a, b)`, DLMF 8.17.2, for `a`, `b` > 0.
///
/// Right to 1e-12 of its value up to parameters of 1e6 and to 1e-10 beyond, as small as it gets. The
/// continued fraction of DiDonato and Morris (1992), "Algorithm 708", taken on the side of the
/// mean where it converges fast: some multiple of `√max(a, b)` steps at the worst, and never more than 4
/// million.
#[must_use]
pub fn beta_inc(a: f64, b: f64, x: f64) -> f64 {
    Point::of(a, b, x).map_or(f64::NAN, |point| point.lower(a, b))
}

/// The complement `1 - I_x(a, b) = I_{1-x}(b, a)`, without subtracting where it is small.
#[must_use]
pub fn beta_inc_complement(a: f64, b: f64, x: f64) -> f64 {
    Point::of(a, b, x).map_or(f64::NAN, |point| point.upper(a, b))
}

/// [`beta_inc`] for who has both `x` and `y = 1 - x` exactly, such as `dof / (dof + t²)` and
/// `t² / (dof + t²)`. Its complement is `beta_inc_xy(b, a, y, x)`.
#[must_use]
pub fn beta_inc_xy(a: f64, b: f64, x: f64, y: f64) -> f64 {
    Point::of_xy(a, b, x, y).map_or(f64::NAN, |point| point.lower(a, b))
}

/// `x y` times the density of the beta distribution: `x^a y^b / B(a, b)`.
pub(in crate::stats) fn beta_density_xy(a: f64, b: f64, point: &Point) -> f64 {
    let sum = a + b;
    let errors = stirling_error(sum) - stirling_error(a) - stirling_error(b);
    let distance =
        deviance_of(a, sum * point.x, point.lead) + deviance_of(b, sum * point.y, -point.lead);
    (a / sum * (b / TAU)).sqrt() * (errors - distance).exp()
}

/// A point `x` in `[0, 1]`, as seen from parameters `a` and `b`.
pub(in crate::stats) struct Point {
    x: f64,
    y: f64,
    /// `a y - b x`: how far below the mean `x` is, times `a + b`. Computed with one rounding, because
    /// everything near the mean depends on it.
    lead: f64,
}

impl Point {
    /// `None` for parameters that are not positive and finite, and for NaN.
    pub(in crate::stats) fn of(a: f64, b: f64, x: f64) -> Option<Self> {
        let x = x.clamp(0.0, 1.0);
        // a - (a + b) x, with what rounding took from the sum (Knuth's two-sum).
        let sum = a + b;
        let from_b = sum - a;
        let lost = (a - (sum - from_b)) + (b - from_b);
        let lead = (-sum).mul_add(x, a) - lost * x;
        Self { x, y: 1.0 - x, lead }.checked(a, b)
    }

    /// Where both `x` and `y = 1 - x` are known.
    pub(in crate::stats) fn of_xy(a: f64, b: f64, x: f64, y: f64) -> Option<Self> {
        // Kahan's difference of two products.
        let product = b * x;
        let error = (-b).mul_add(x, product);
        let lead = a.mul_add(y, -product) + error;
        Self { x: x.clamp(0.0, 1.0), y: y.clamp(0.0, 1.0), lead }.checked(a, b)
    }

    fn checked(self, a: f64, b: f64) -> Option<Self> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        (positive(a) && positive(b) && !self.x.is_nan() && !self.y.is_nan()).then_some(self)
    }

    fn flipped(&self) -> Self {
        Self { x: self.y, y: self.x, lead: -self.lead }
    }

    /// `I_x(a, b)`.
    fn lower(&self, a: f64, b: f64) -> f64 {
        if self.is_low(a, b) { self.fraction(a, b) } else { 1.0 - self.flipped().fraction(b, a) }
    }

    /// `I_y(b, a)`.
    fn upper(&self, a: f64, b: f64) -> f64 {
        if self.is_low(a, b) { 1.0 - self.fraction(a, b) } else { self.flipped().fraction(b, a) }
    }

    /// On the side of the mean where the fraction for `I_x(a, b)` converges fast: `x` below
    /// `(a + 1) / (a + b + 2)`.
    fn is_low(&self, a: f64, b: f64) -> bool {
        self.lead > (a - b) / (a + b + 2.0)
    }

    fn fraction(&self, a: f64, b: f64) -> f64 {
        if self.x == 0.0 {
            return 0.0;
        }
        let mut value = nonzero(a * (self.lead + 1.0) / (a + 1.0));
        let mut c = value;
        let mut d = 0.0;
        for m in 1..MAX_STEPS {
            let m = f64::from(m);
            let odd = a + 2.0 * m - 1.0;
            let numerator =
                m * ((a + m - 1.0) / odd) * ((a + b + m - 1.0) / odd) * ((b - m) * self.x * self.x);
            let denominator = m
                + m * (b - m) * self.x / odd
                + (a + m) * (self.lead + 1.0 + m * (1.0 + self.y)) / (odd + 2.0);
            c = nonzero(denominator + numerator / c);
            d = 1.0 / nonzero(denominator + numerator * d);
            let factor = c * d;
            value *= factor;
            if (factor - 1.0).abs() <= f64::EPSILON {
                break;
            }
        }
        (beta_density_xy(a, b, self) / value).clamp(0.0, 1.0)
    }
}

const MAX_STEPS: u32 = 1 << 22;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges() {
        for (x, expected) in [(0.0, 0.0), (-1.0, 0.0), (1.0, 1.0), (2.0, 1.0)] {
            assert_eq!(beta_inc(2.0, 3.0, x), expected);
            assert_eq!(beta_inc_complement(2.0, 3.0, x), 1.0 - expected);
        }
        for (a, b, x) in
            [(0.0, 1.0, 0.5), (1.0, -1.0, 0.5), (1.0, f64::INFINITY, 0.5), (1.0, 1.0, f64::NAN)]
        {
            assert!(beta_inc(a, b, x).is_nan() && beta_inc_complement(a, b, x).is_nan());
            assert!(beta_inc_xy(a, b, x, 1.0 - x).is_nan());
        }
    }

    proptest! {
        #[test]
        fn one_parameter_of_one_is_a_power(a in 1e-3_f64..1e6, x in 0.0_f64..1.0) {
            let close = |found: f64, ln_expected: f64| {
                let expected = ln_expected.exp();
                (found - expected).abs() <= 1e-12 * expected * ln_expected.abs().max(1.0) + 1e-300
            };
            prop_assert!(close(beta_inc(a, 1.0, x), a * x.ln()));
            prop_assert!(close(beta_inc_complement(1.0, a, x), a * (-x).ln_1p()));
        }

        #[test]
        fn the_two_sides_are_one(a in 0.01_f64..1e4, b in 0.01_f64..1e4, x in 0.0_f64..1.0) {
            let (lower, upper) = (beta_inc(a, b, x), beta_inc_complement(a, b, x));
            prop_assert!((lower + upper - 1.0).abs() < 1e-12);
            let flipped = beta_inc_xy(b, a, 1.0 - x, x);
            prop_assert!((flipped - upper).abs() <= 1e-10 * upper + 1e-300, "{flipped} {upper}");
        }
    }
}

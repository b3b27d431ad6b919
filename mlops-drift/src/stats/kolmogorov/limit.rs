//! [`limit_sf`].

use std::f64::consts::PI;

/// `P(K > x)`, where `K` is the limit of `√n D` for large `n` (Kolmogorov 1933):
/// `2 Σ_{k≥1} (-1)^{k-1} exp(-2 k² x²)`, and for small `x` one less the other form of that theta
/// function, `√(2π)/x Σ_{k≥1} exp(-(2k-1)² π² / (8x²))`. 1 for `x` that is not positive, and for NaN.
#[must_use]
pub fn limit_sf(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    // Both are down to one bit after five terms on their side of 1.
    if x < 1.0 {
        let power = -PI * PI / (8.0 * x * x);
        let terms = (0..5).map(|k| (f64::from((2 * k + 1) * (2 * k + 1)) * power).exp());
        1.0 - (2.0 * PI).sqrt() / x * terms.sum::<f64>()
    } else {
        let term = |k: i32| (-2.0 * f64::from(k * k) * x * x).exp();
        2.0 * (term(1) - term(2) + term(3) - term(4) + term(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_meet() {
        let below = limit_sf(1.0 - f64::EPSILON);
        assert!((below / limit_sf(1.0) - 1.0).abs() < 4e-15);
        assert_eq!((limit_sf(-1.0), limit_sf(0.0), limit_sf(1e-200)), (1.0, 1.0, 1.0));
        assert_eq!((limit_sf(f64::NAN), limit_sf(f64::INFINITY)), (1.0, 0.0));
    }
}

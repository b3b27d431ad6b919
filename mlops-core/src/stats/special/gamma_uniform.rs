//! The incomplete gamma functions of a large parameter, near their middle.
//!
//! Temme (1979), "The asymptotic expansion of the incomplete gamma functions"; DLMF 8.12. There the series
//! and the continued fraction would take some multiple of `√a` steps; this takes none.

use std::f64::consts::TAU;

use super::stirling::deviance;

/// True where the expansion below is right to the last digits.
pub(super) fn covers(a: f64, x: f64) -> bool {
    a > 1e4 && (x - a).abs() < 0.1 * a
}

/// `P(a, x)`.
pub(super) fn lower(a: f64, x: f64) -> f64 {
    let (root, rest) = parts(a, x);
    0.5 * libm::erfc(-root) - rest
}

/// `Q(a, x)`.
pub(super) fn upper(a: f64, x: f64) -> f64 {
    let (root, rest) = parts(a, x);
    0.5 * libm::erfc(root) + rest
}

/// `η √(a/2)` and `S(a, η)` of DLMF 8.12.3, where `½ η² = x/a - 1 - ln(x/a)`.
fn parts(a: f64, x: f64) -> (f64, f64) {
    let exponent = deviance(a, x);
    let root = exponent.sqrt().copysign(x - a);
    let eta = root * (2.0 / a).sqrt();
    let polynomial = |terms: &[f64]| terms.iter().rev().fold(0.0, |sum, term| sum * eta + term);
    let sum = polynomial(&C0) + (polynomial(&C1) + polynomial(&C2) / a) / a;
    (root, sum * (-exponent).exp() / (TAU * a).sqrt())
}

// Taylor coefficients of the functions c_k(η) of DLMF 8.12.9 and 8.12.11, as far as |η| < 0.11 and a > 1e4
// need them.
const C0: [f64; 10] = [
    -1.0 / 3.0,
    1.0 / 12.0,
    -2.0 / 135.0,
    1.0 / 864.0,
    1.0 / 2835.0,
    -139.0 / 777_600.0,
    1.0 / 25_515.0,
    -571.0 / 261_273_600.0,
    -281.0 / 151_559_100.0,
    163_879.0 / 197_522_841_600.0,
];
const C1: [f64; 5] = [-1.0 / 540.0, -1.0 / 288.0, 1.0 / 378.0, -77.0 / 77_760.0, 1.0 / 4_860.0];
const C2: [f64; 3] = [25.0 / 6_048.0, -139.0 / 51_840.0, 1.0 / 1_296.0];

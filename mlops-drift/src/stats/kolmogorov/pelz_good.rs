//! The law as an expansion in powers of `1/√n`.

use std::f64::consts::{PI, TAU};

/// `P(D < d)` but for a relative error of about `n^-2`, by the expansion of Li-Chien and Korolyuk in
/// the form of Pelz & Good (1976): `K0(z) + K1(z)/√n + K2(z)/n + K3(z)/n^(3/2)`, `z = √n d`.
pub(super) fn cdf(n: u64, d: f64) -> f64 {
    let root = (n as f64).sqrt();
    let z = root * d;
    let z2 = z * z;
    let z4 = z2 * z2;
    let z6 = z4 * z2;
    let mut k = [0.0; 4];
    // Terms get smaller by e^-18 and more each, as long as z < 5, where the sum is 1.
    let terms = (5.0 * z).ceil() as u32 + 2;
    for index in 0..terms {
        let a = (PI * PI / 4.0) * f64::from((2 * index + 1) * (2 * index + 1));
        let weight = (-a / (2.0 * z2)).exp();
        k[0] += weight;
        k[1] += weight * (a - z2);
        k[2] +=
            weight * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * a + (1.0 - 2.0 * z2) * a * a);
        k[3] += weight
            * (-30.0 * z6 - 90.0 * z4 * z4
                + (135.0 * z4 - 96.0 * z6) * a
                + (212.0 * z4 - 60.0 * z2) * a * a
                + (5.0 - 30.0 * z2) * a * a * a);
    }
    let (mut second, mut third) = (0.0, 0.0);
    for index in 1..=terms {
        let b = PI * PI * f64::from(index * index);
        let weight = (-b / (2.0 * z2)).exp() * b;
        second += weight;
        third += weight * (3.0 * z2 - b);
    }
    let k0 = k[0] / z;
    let k1 = k[1] / (6.0 * z4);
    let k2 = k[2] / (72.0 * z6 * z) - second / (36.0 * z2 * z);
    let k3 = k[3] / (6480.0 * z6 * z4) + third / (216.0 * z6);
    TAU.sqrt() * (k0 + (k1 + (k2 + k3 / root) / root) / root)
}

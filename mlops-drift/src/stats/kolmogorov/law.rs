//! [`sf`].

use mlops_core::stats::special::stirling_error;

use super::{durbin, pelz_good, pomeranz};
use crate::stats::smirnov;

/// `P(D >= d)` for a sample of `n` values, between 1e-300 and 1; SciPy's `kstwo.sf`.
///
/// No one formula serves everywhere; the choice is that of Simard & L'Ecuyer (2011), "Computing the
/// two-sided Kolmogorov-Smirnov distribution": exact ones for up to 140 values and for the smallest
/// and largest distances, twice the exact [one-sided law](smirnov::sf) in the tail, where both signs
/// at once are out of the question, and an expansion (Pelz & Good 1976) for what is left, whose
/// error decreases with `n^-2` and is below 5e-6 at 141.
///
/// 1 for `d <= 0` and for NaN, 0 for `d >= 1` and for `n = 0`.
#[must_use]
pub fn sf(d: f64, n: u64) -> f64 {
    if d.is_nan() || d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 || n == 0 {
        return 0.0;
    }
    let count = n as f64;
    let distance = count * d;
    let squared = distance * d;
    if distance <= 1.0 {
        // Ruben & Gambino (1982): every value is within its own cell of width 2d - 1/n.
        if distance <= 0.5 {
            return 1.0;
        }
        let ln = stirling_error(count) + 0.5 * (std::f64::consts::TAU * count).ln() - count
            + count * (2.0 * distance - 1.0).ln();
        return -ln.exp_m1();
    }
    if distance >= count - 1.0 {
        return 2.0 * (count * (-d).ln_1p()).exp();
    }
    // Both signs at once are impossible from a half on, and out of the question far out.
    let far_out = if n <= 140 { 4.0 } else { 2.2 };
    if d >= 0.5 || squared > far_out {
        return 2.0 * smirnov::sf(d, n);
    }
    if squared < 0.027 {
        // One less 2e-19.
        return 1.0;
    }
    let cdf = if n <= 140 {
        if squared <= 0.754693 { durbin::cdf(n, d) } else { pomeranz::cdf(n, d) }
    } else if count * d.powf(1.5) <= 1.4 && distance <= LARGE {
        durbin::cdf(n, d)
    } else {
        pelz_good::cdf(n, d)
    };
    (1.0 - cdf).clamp(0.0, 1.0)
}

/// Where the matrix would be of more than 63 rows, `cdf` is below 1e-7, and the expansion's relative
/// error of 1e-3 does not show in one less it.
const LARGE: f64 = 32.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_exact_routes_agree() {
        for n in [2, 3, 10, 57, 140] {
            for z in [0.55, 0.8, 1.0, 1.5, 2.0] {
                let d = z / (n as f64).sqrt();
                if d * n as f64 > 1.0 && d < 0.9 {
                    let (one, other) = (durbin::cdf(n, d), pomeranz::cdf(n, d));
                    assert!((one / other - 1.0).abs() < 1e-11, "{n} {d}: {one} {other}");
                }
            }
        }
    }

    #[test]
    fn the_expansion_has_the_error_that_is_promised() {
        let root = 141.0_f64.sqrt();
        for z in [0.56, 0.7, 0.9, 1.1, 1.3, 1.48] {
            let (exact, expansion) = (pomeranz::cdf(141, z / root), pelz_good::cdf(141, z / root));
            assert!((exact - expansion).abs() < 5e-6, "{z}: {exact} {expansion}");
        }
    }

    #[test]
    fn the_law_of_one_value() {
        // D of one value is at least a half, and uniform from there.
        for (d, expected) in [(0.3, 1.0), (0.5, 1.0), (0.6, 0.8), (0.75, 0.5), (0.9, 0.2)] {
            assert!((sf(d, 1) - expected).abs() < 1e-14, "{d}");
        }
    }

    #[test]
    fn outside_the_range() {
        assert_eq!((sf(-0.1, 9), sf(0.0, 9), sf(1.0, 9), sf(2.0, 9)), (1.0, 1.0, 0.0, 0.0));
        assert_eq!((sf(f64::NAN, 9), sf(0.5, 0)), (1.0, 0.0));
    }

    proptest! {
        #[test]
        fn it_falls_in_d(n in 1_u64..100_000, d in 0.0_f64..1.0, more in 1e-4_f64..0.1) {
            let (near, far) = (sf(d, n), sf((d + more).min(1.0), n));
            // Where two routes meet, the expansion's error may show.
            prop_assert!(near >= far - 1e-6, "{near} {far}");
            prop_assert!((0.0..=1.0).contains(&near));
        }
    }
}

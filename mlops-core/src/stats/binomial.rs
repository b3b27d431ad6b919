//! The binomial distribution: successes in `n` trials that each succeed with probability `p`.
//!
//! Counts above 2^53 are taken to the nearest double. A `p` outside `[0, 1]`, and NaN, give NaN.

use super::special::{beta_inc, beta_inc_complement, deviance_of, ln_factorial_rest};

/// How probable exactly `k` successes are; 0 if `k` > `n`. Loader (2000).
#[must_use]
pub fn pmf(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if k > n {
        return 0.0;
    }
    let (failures, k, n) = ((n - k) as f64, k as f64, n as f64);
    let excess = (-n).mul_add(p, k);
    let rest = ln_factorial_rest(n) - ln_factorial_rest(k) - ln_factorial_rest(failures);
    let distance = deviance_of(k, n * p, excess) + deviance_of(failures, n * (1.0 - p), -excess);
    (rest - distance).exp().min(1.0)
}

/// How probable at most `k` successes are: `1 - I_p(k + 1, n - k)`, DLMF 8.17.5.
#[must_use]
pub fn cdf(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if k >= n { 1.0 } else { beta_inc_complement(k as f64 + 1.0, (n - k) as f64, p) }
}

/// How probable more than `k` successes are.
#[must_use]
pub fn sf(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if k >= n { 0.0 } else { beta_inc(k as f64 + 1.0, (n - k) as f64, p) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges() {
        assert_eq!([0, 1].map(|k| pmf(k, 0, 0.3)), [1.0, 0.0]);
        assert_eq!([0, 1, 2].map(|k| pmf(k, 2, 0.0)), [1.0, 0.0, 0.0]);
        assert_eq!([0, 1, 2].map(|k| pmf(k, 2, 1.0)), [0.0, 0.0, 1.0]);
        assert_eq!(
            (cdf(1, 2, 0.0), cdf(1, 2, 1.0), cdf(2, 2, 0.5), cdf(9, 2, 0.5)),
            (1.0, 0.0, 1.0, 1.0)
        );
        assert_eq!(
            (sf(1, 2, 0.0), sf(1, 2, 1.0), sf(2, 2, 0.5), sf(9, 2, 0.5)),
            (0.0, 1.0, 0.0, 0.0)
        );
        for p in [-0.1, 1.1, f64::NAN] {
            assert!(pmf(1, 2, p).is_nan() && cdf(1, 2, p).is_nan() && sf(1, 2, p).is_nan());
        }
    }

    #[test]
    fn large_counts_have_probabilities() {
        for n in [1_u64 << 40, 1 << 53, u64::MAX] {
            assert!(
                pmf(n / 2, n, 0.5) > 0.0 && pmf(0, n, 0.5) == 0.0 && pmf(n / 3, n, 1e-300) == 0.0
            );
        }
        let total = cdf(500_000_000, 1_000_000_000, 0.5) + sf(500_000_000, 1_000_000_000, 0.5);
        assert!((total - 1.0).abs() < 1e-10);
    }

    proptest! {
        #[test]
        fn the_sums_are_of_the_masses(n in 0_u64..80, p in 0.0_f64..1.0) {
            let mut below = 0.0;
            for k in 0..=n {
                below += pmf(k, n, p);
                prop_assert!((cdf(k, n, p) - below).abs() < 1e-13, "{k}");
                prop_assert!((sf(k, n, p) - (1.0 - below)).abs() < 1e-13, "{k}");
            }
        }
    }
}

//! The law of Smirnov's one-sided statistic `D+ = max (F_n(x) - F(x))` of a sample of `n` values from
//! the continuous distribution `F`, whichever that is.

use std::f64::consts::TAU;

use mlops_core::stats::special::stirling_error;

/// `P(D+ >= d)` for a sample of `n` values: exact, with full relative precision between 1e-300 and 1;
/// SciPy's `special.smirnov`.
///
/// It is `d Σ_j C(n, j) (d + j/n)^(j-1) (1 - d - j/n)^(n-j)` over `0 <= j <= n (1 - d)` (Birnbaum &
/// Tingey 1951). Each term is a binomial probability, `b(j; n, p)`, times `d/p`, with `p = d + j/n`,
/// and so has a saddle-point form that loses nothing (Loader 2000). From 1000 terms on, the sum is an
/// integral, but for `e^(-n d)`, which the trapezoidal rule has after some dozen: ten microseconds for any
/// `n`. For distances under `80/n`, where the ends of the sum count, all `n` terms are summed, of 50 ns
/// each.
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
    let terms = Terms::new(d, n as f64);
    // By Massart's bound (1990), it is below the smallest positive number.
    if 2.0 * terms.shift * d > 750.0 {
        return 0.0;
    }
    let sum = if terms.last < FEW || terms.shift < NEAR { terms.sum() } else { terms.integral() };
    sum.min(1.0)
}

/// Terms that are summed one by one.
const FEW: f64 = 1000.0;

/// The distance in multiples of `1/n` from which the ends of the sum do not count.
const NEAR: f64 = 80.0;

/// The terms of Birnbaum & Tingey's sum, as a smooth function of `j`.
struct Terms {
    n: f64,
    d: f64,
    /// `n d`: how far the expectation `n p` of each term is from its `j`.
    shift: f64,
    /// The last `j`.
    last: f64,
    stirling_error: f64,
}

impl Terms {
    fn new(d: f64, n: f64) -> Self {
        let shift = n * d;
        Self { n, d, shift, last: (n - shift).floor(), stirling_error: stirling_error(n) }
    }

    /// The term of `0 < j < n - shift`: `b(j; n, p) d/p`.
    fn at(&self, j: f64) -> f64 {
        let rest = self.n - j;
        let exponent = self.stirling_error
            - stirling_error(j)
            - stirling_error(rest)
            - j * deviance(self.shift / j)
            - rest * deviance(-self.shift / rest);
        let factor = (self.n / (TAU * j * rest)).sqrt() * self.shift / (self.shift + j);
        factor * exponent.exp()
    }

    fn sum(&self) -> f64 {
        let mut sum = (self.n * (-self.d).ln_1p()).exp();
        let mut j = 1.0;
        while j <= self.last && j < self.n - self.shift {
            sum += self.at(j);
            j += 1.0;
        }
        sum
    }

    /// The sum as an integral over `u`, `j = (n - shift) (1 + tanh u)/2`, in which the terms fall off
    /// like `exp(-2 n d² sinh² u)`, so that equal steps converge as fast as can be: to one bit where
    /// they are a sixteenth, and a fourth of the width of the bell that the terms are if `n d²` is
    /// large.
    fn integral(&self) -> f64 {
        let step = (0.25 / (self.shift * self.d).sqrt()).min(1.0 / 16.0);
        let width = self.n - self.shift;
        let weighed = |u: f64| {
            // The smaller side of the middle without cancellation.
            let tail = 1.0 / (1.0 + (2.0 * u.abs()).exp());
            let share = if u < 0.0 { tail } else { 1.0 - tail };
            let (j, slope) = (width * share, 2.0 * tail * (1.0 - tail) * width);
            if j < 1.0 || width - j < 1.0 { 0.0 } else { self.at(j) * slope }
        };
        let mut sum = weighed(0.0);
        for direction in [-1.0, 1.0] {
            let mut u = direction * step;
            loop {
                let term = weighed(u);
                sum += term;
                // The largest term need not be the first, but is not beyond |u| = 1.
                if term <= sum * 1e-18 && u.abs() > 1.0 {
                    break;
                }
                u += direction * step;
            }
        }
        sum * step
    }
}

/// `t - ln(1 + t)`, also for small `t`, where both cancel. With `v = t/(2 + t)`, `ln(1 + t)` is
/// `2 artanh v`, whose series gives `t v - 2 v³ (1/3 + v²/5 + v⁴/7 + …)`.
fn deviance(t: f64) -> f64 {
    if !(-0.4..0.6).contains(&t) {
        return t - t.ln_1p();
    }
    let v = t / (2.0 + t);
    let v2 = v * v;
    // |v| is at most 1/4, v2 1/16: fourteen terms.
    let series = (1..15).rev().fold(0.0, |sum, k| sum * v2 + 1.0 / f64::from(2 * k + 1));
    v * (t - 2.0 * v2 * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_closed_form() {
        for d in [1e-9, 0.1, 0.3, 0.49, 0.5, 0.51, 0.9, 1.0 - 1e-9] {
            let close = |n, expected: f64| {
                let found = sf(d, n);
                assert!((found / expected - 1.0).abs() < 1e-13, "{n} {d}: {found} {expected}");
            };
            close(1, 1.0 - d);
            let one = if d <= 0.5 { 2.0 * d * (0.5 - d) } else { 0.0 };
            close(2, (1.0 - d) * (1.0 - d) + one);
        }
        assert_eq!((sf(-0.1, 9), sf(0.0, 9), sf(1.0, 9), sf(2.0, 9)), (1.0, 1.0, 0.0, 0.0));
        assert_eq!((sf(f64::NAN, 9), sf(0.5, 0), sf(0.9, 1_000_000)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn the_integral_is_the_sum() {
        for n in [1500.0_f64, 4000.0, 30_000.0] {
            for z in [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 18.0] {
                let terms = Terms::new(z / n.sqrt(), n);
                if terms.shift >= NEAR && terms.last >= FEW {
                    let (sum, integral) = (terms.sum(), terms.integral());
                    assert!((integral / sum - 1.0).abs() < 1e-12, "{n} {z}: {sum} {integral}");
                }
            }
        }
    }

    #[test]
    fn deviance_has_no_seam() {
        for t in [-0.4_f64, 0.6] {
            let (direct, series) = (t - t.ln_1p(), deviance(t * (1.0 - 1e-15)));
            assert!((direct / series - 1.0).abs() < 1e-14, "{t}");
        }
        assert!((deviance(1e-9) / 5e-19 - 1.0).abs() < 1e-8);
    }
}

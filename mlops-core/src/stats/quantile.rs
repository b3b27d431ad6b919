//! [`invert`]: quantiles of the distributions that have no formula for them.

/// Whether a probability rises or falls with the value it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Of at most this value.
    Lower,
    /// Of more than this value.
    Upper,
}

/// The `x` in `(0, end)` whose tail is `target`.
///
/// `at(x)` is the tail and `x` times the density there. Newton's method on the logarithm of the tail as a
/// function of the logarithm of `x`: both ends are near to straight lines in that view, however small the
/// target. Steps that leave the bracket are replaced by halving it.
pub(super) fn invert(
    tail: Tail,
    target: f64,
    end: f64,
    guess: f64,
    at: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let (mut low, mut high) = (0.0, end);
    let mut x = guess.clamp(f64::MIN_POSITIVE, end.min(f64::MAX));
    for _ in 0..MAX_STEPS {
        let (probability, density_x) = at(x);
        if probability == target {
            return x;
        }
        if (probability < target) == (tail == Tail::Lower) {
            low = x;
        } else {
            high = x;
        }
        let relative = (target / probability).ln() * probability / density_x;
        let step = if tail == Tail::Lower { relative } else { -relative };
        let mut next = x * step.exp();
        if next.is_nan() || next <= low || next >= high {
            next = between(low, high);
        }
        if (next - x).abs() <= 2.0 * f64::EPSILON * x {
            return next;
        }
        x = next;
    }
    x
}

/// Enough to halve any bracket of doubles down to one.
const MAX_STEPS: u32 = 300;

fn between(low: f64, high: f64) -> f64 {
    if low == 0.0 {
        high / 1e4
    } else if high.is_infinite() {
        (low * 1e4).min(f64::MAX)
    } else {
        low.sqrt() * high.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hopeless_guess_is_mended() {
        for guess in [f64::MIN_POSITIVE, 1e-30, 1.0, 1e30, f64::MAX] {
            for target in [1e-300_f64, 0.1, 0.999] {
                let lower = |x: f64| (-(-x).exp_m1(), x * (-x).exp());
                let upper = |x: f64| ((-x).exp(), x * (-x).exp());
                let expected = -(-target).ln_1p();
                let found = invert(Tail::Lower, target, f64::INFINITY, guess, lower);
                assert!((found / expected - 1.0).abs() < 1e-13, "{guess} {target} {found}");
                let found = invert(Tail::Upper, target, f64::INFINITY, guess, upper);
                assert!((found / -target.ln() - 1.0).abs() < 1e-13, "{guess} {target} {found}");
            }
        }
    }
}

//! The law as a recursion over a Poisson process.

use std::{array::from_fn, f64::consts::TAU};

use mlops_core::stats::special::stirling_error;

/// `P(D < d)` by Pomeranz' recursion (1974; Simard & L'Ecuyer 2011, section 2.2).
///
/// Under a Poisson process of rate 1 on `[0, n]`, the state at the `i`-th of the times at which one
/// of the boundaries `x ± n d` passes a whole number is how many points came so far, if they stayed
/// between the boundaries. The answer is the probability of the state `n` at the end over that of `n`
/// points at all. Every term is a probability: nothing is rescaled and nothing cancels.
pub(super) fn cdf(n: u64, d: f64) -> f64 {
    let n = n as i64;
    let boundaries = Boundaries::new(n, n as f64 * d);
    let near = boundaries.fraction.min(1.0 - boundaries.fraction);
    let (between, across) = (1.0 - 2.0 * near, 2.0 * near);

    let mut states = boundaries.states(1);
    let mut probabilities = vec![0.0; (states.1 - states.0 + 1) as usize];
    probabilities[(1 - states.0) as usize] = 1.0;
    for step in 2..=2 * n + 2 {
        let mean = if step == 2 || step == 2 * n + 2 {
            near
        } else if step % 2 == 1 {
            between
        } else {
            across
        };
        let next_states = boundaries.states(step);
        if next_states.0 > next_states.1 {
            return 0.0;
        }
        let points = poisson(mean);
        let mut next = vec![0.0; (next_states.1 - next_states.0 + 1) as usize];
        for (before, probability) in (states.0..).zip(&probabilities) {
            // Points that lead into the band from this state.
            let fewest = (next_states.0 - before).max(0) as usize;
            let into = (before - next_states.0).max(0) as usize;
            if fewest < points.len() && into < next.len() {
                for (sum, points) in next[into..].iter_mut().zip(&points[fewest..]) {
                    *sum += probability * points;
                }
            }
        }
        (states, probabilities) = (next_states, next);
    }
    let last: f64 = probabilities.get((n + 1 - states.0) as usize).copied().unwrap_or(0.0);
    let n = n as f64;
    last * (TAU * n).sqrt() * stirling_error(n).exp()
}

/// Where the boundaries `x ± (whole + fraction)` lie in whole numbers, without rounding.
struct Boundaries {
    n: i64,
    whole: i64,
    fraction: f64,
}

impl Boundaries {
    fn new(n: i64, distance: f64) -> Self {
        Self { n, whole: distance.floor() as i64, fraction: distance - distance.floor() }
    }

    /// The first and the last state, counted from 1, that are possible at a step: from
    /// `floor(A - n d) + 2` to `ceil(A + n d)`, where `A` is the time of that step. The times are
    /// 0, then `m + g` and `m + 1 - g` for `m` = 0, 1, …, `n - 1`, where `g` is the distance of
    /// `fraction` from the nearest whole number, then `n`.
    fn states(&self, step: i64) -> (i64, i64) {
        let partial = i64::from(self.fraction > 0.0);
        let (floor, ceil) = if step == 1 {
            (-self.whole - partial, self.whole + partial)
        } else if step == 2 * self.n + 2 {
            (self.n - self.whole - partial, self.n + self.whole + partial)
        } else {
            let m = (step - 2) / 2;
            let before = step % 2 == 0;
            match (before, self.fraction <= 0.5) {
                (true, true) => (m - self.whole, m + self.whole + partial),
                (true, false) => (m - self.whole - 1, m + 1 + self.whole),
                (false, true) => (m + 1 - self.whole - partial, m + 1 + self.whole),
                (false, false) => (m - self.whole, m + self.whole + 2),
            }
        };
        ((floor + 2).max(1), ceil.min(self.n + 1))
    }
}

/// The probabilities of 0, 1, … points where `mean`, one at most, are expected; those of 32 and more,
/// under 1e-35, are left out.
fn poisson(mean: f64) -> [f64; 32] {
    let mut probability = (-mean).exp();
    from_fn(|points| {
        let this = probability;
        probability *= mean / (points + 1) as f64;
        this
    })
}

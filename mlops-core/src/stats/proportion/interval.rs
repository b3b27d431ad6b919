//! Intervals of a proportion and of the difference of two.

use super::Proportion;
use crate::{
    Result,
    stats::{
        Interval,
        interval::error_rate,
        normal,
        quantile::{Tail, invert},
        special::{Point, beta_density_xy, beta_inc, beta_inc_complement},
    },
};

impl Proportion {
    /// Wilson's (1927) score interval: the proportions that a z test would not refuse. Covers as often as
    /// it says on average, for small counts too.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a confidence that is not between 0
    /// and 1.
    pub fn wilson_interval(&self, confidence: f64) -> Result<Interval> {
        Ok(self.wilson(error_rate(confidence)?))
    }

    /// Clopper and Pearson's (1934) interval: by the binomial distribution itself, so it covers at least
    /// as often as it says.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a confidence that is not between 0
    /// and 1.
    pub fn clopper_pearson_interval(&self, confidence: f64) -> Result<Interval> {
        let rate = error_rate(confidence)?;
        let tail = 0.5 * rate;
        let near = self.wilson(rate);
        let (k, rest) = (self.successes as f64, self.failures() as f64);
        let low = if self.successes == 0 {
            0.0
        } else {
            solve(Tail::Lower, tail, k, rest + 1.0, near.low)
        };
        let high = if self.failures() == 0 {
            1.0
        } else {
            solve(Tail::Upper, tail, k + 1.0, rest, near.high)
        };
        Ok(Interval { low, high })
    }

    fn wilson(&self, rate: f64) -> Interval {
        let z = -normal::quantile(0.5 * rate);
        let (n, p) = (self.trials as f64, self.estimate());
        let shift = 0.5 * z * z / n;
        let half = z * (p * (self.failures() as f64 / n) / n + 0.5 * shift / n).sqrt();
        let scale = 1.0 + 2.0 * shift;
        let high = if self.failures() == 0 { 1.0 } else { (p + shift + half) / scale };
        // The ends are the roots of a quadratic, whose product is known: nothing cancels for small p.
        Interval { low: p * p / (scale * high), high: high.min(1.0) }
    }
}

/// The interval of `first - second` by Newcombe (1998), method 10: Wilson's intervals of both, squared and
/// added. `confint_proportions_2indep` of statsmodels with `method="newcomb"`.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a confidence that is not between 0 and 1.
pub fn newcombe_interval(
    first: &Proportion,
    second: &Proportion,
    confidence: f64,
) -> Result<Interval> {
    let rate = error_rate(confidence)?;
    let (p, q) = (first.estimate(), second.estimate());
    let (ours, theirs) = (first.wilson(rate), second.wilson(rate));
    Ok(Interval {
        low: p - q - (p - ours.low).hypot(theirs.high - q),
        high: p - q + (ours.high - p).hypot(q - theirs.low),
    })
}

/// The `x` at which the beta distribution of `a` and `b` has this tail.
fn solve(tail: Tail, target: f64, a: f64, b: f64, guess: f64) -> f64 {
    invert(tail, target, 1.0, guess, |x| {
        let probability = match tail {
            Tail::Lower => beta_inc(a, b, x),
            Tail::Upper => beta_inc_complement(a, b, x),
        };
        let density_x =
            Point::of(a, b, x).map_or(f64::NAN, |point| beta_density_xy(a, b, &point) / (1.0 - x));
        (probability, density_x)
    })
}

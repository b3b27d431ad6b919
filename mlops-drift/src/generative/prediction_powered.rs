//! [`PredictionPowered`].

use mlops_core::{
    Error, Result,
    stats::{Interval, normal},
};
use serde::{Deserialize, Serialize};

use super::sums::{PairSums, Sums};

/// The mean that people would give, from a judge's scores of everything and people's labels of a few:
/// prediction-powered inference.
///
/// Labels alone are unbiased and few; a judge is cheap and wrong by an unknown amount. The mean of the judge's
/// scores, corrected by what it is wrong on the labelled ones, is unbiased whatever the judge is, and the better
/// the judge the narrower its interval: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023),
/// "Prediction-powered inference", Science 382. How far the judge is trusted is tuned as in "PPI++: efficient
/// prediction-powered inference" (Angelopoulos, Duchi and Zrnic 2023), so that even a useless one is asymptotically
/// no worse than labels alone.
///
/// With `n` labels `y` of exchanges scored `f`, and `N` exchanges scored `f̃` without a label,
///
/// - estimate: `mean(y) + λ (mean(f̃) - mean(f))`
/// - standard error: `√(var(y - λ f) / n + λ² var(f̃) / N)`
/// - `λ = cov(y, f) / ((1 + n/N) var(all scores))`, cut to `[0, 1]`
///
/// as `ppi_py` computes them. The interval is a normal one: it wants some fifty labels, and is for one look.
/// [`PredictionPoweredSequence`](super::PredictionPoweredSequence) is for many.
///
/// Which exchanges people label must not depend on what is in them: drawn at random, not the suspicious ones.
///
/// ```
/// use mlops_drift::generative::{PredictionPowered, Tuning};
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut faithful = PredictionPowered::new();
/// for exchange in 0..2000 {
///     // The judge lets half of what is unfaithful pass.
///     let (truth, judged) = (exchange % 10 != 0, exchange % 20 != 0);
///     if exchange % 7 == 0 {
///         faithful.observe_labelled(f64::from(judged), f64::from(truth))?;
///     } else {
///         faithful.observe_judged(f64::from(judged))?;
///     }
/// }
/// let both = faithful.estimate(0.95, Tuning::Power)?;
/// let labels_alone = faithful.estimate(0.95, Tuning::Fixed(0.0))?;
/// assert!(both.interval.contains(0.9));
/// assert!(both.interval.width() < labels_alone.interval.width());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct PredictionPowered {
    /// Judge scores and labels, of what has both.
    labelled: PairSums,
    /// Judge scores, of what has no label.
    judged: Sums,
}

/// How far the judge is trusted: `λ`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tuning {
    /// As far as the data say makes the standard error the smallest.
    #[default]
    Power,
    /// By this much: 0 is labels alone, 1 is prediction-powered inference as it was first published.
    Fixed(f64),
}

/// What [`PredictionPowered`] says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PredictionPoweredEstimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// `mean ± z · standard_error`. It is not cut to the range of scores.
    pub interval: Interval,
    /// How far the judge was trusted.
    pub lambda: f64,
}

impl PredictionPowered {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an exchange that only the judge has scored.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a score that is not finite, or too far out to be squared; nothing has
    /// changed then.
    pub fn observe_judged(&mut self, score: f64) -> Result<()> {
        self.judged.push(score, "judge score")
    }

    /// Takes in an exchange with the judge's score and a person's.
    ///
    /// # Errors
    /// As [`observe_judged`](Self::observe_judged), of either.
    pub fn observe_labelled(&mut self, score: f64, label: f64) -> Result<()> {
        self.labelled.push(score, label, ["judge score", "label"])
    }

    /// Adds what another one has seen: another replica, another day. Exact up to rounding, in any order.
    pub fn merge(&mut self, other: &Self) {
        self.labelled.merge(&other.labelled);
        self.judged.merge(&other.judged);
    }

    /// Exchanges with a label.
    #[must_use]
    pub fn labels(&self) -> u64 {
        self.labelled.first.count
    }

    /// Exchanges that only the judge has scored.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.judged.count
    }

    /// The mean, with an interval of this confidence. Without exchanges that only the judge has scored, it
    /// is that of the labels alone.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1, fewer than two labels, a `λ`
    /// that is not finite, or figures too large for a double.
    pub fn estimate(&self, confidence: f64, tuning: Tuning) -> Result<PredictionPoweredEstimate> {
        let z = two_sided(confidence)?;
        if self.labels() < 2 {
            let reason = format!("{} have no spread; 2 do", self.labels());
            return Err(Error::invalid("labels", reason));
        }
        let lambda = match tuning {
            Tuning::Fixed(lambda) if !lambda.is_finite() => {
                return Err(Error::invalid("tuning", format!("{lambda} is not finite")));
            }
            _ if self.judged.count == 0 => 0.0,
            Tuning::Fixed(lambda) => lambda,
            Tuning::Power => self.power(),
        };
        let PairSums { first: scores, second: labels, .. } = &self.labelled;
        let n = scores.count as f64;
        let mean = labels.mean + lambda * (self.judged.mean - scores.mean);
        let residual = labels.variance() - 2.0 * lambda * self.labelled.covariance()
            + lambda * lambda * scores.variance();
        check_finite(residual)?;
        // A difference of squares that may be all rounding.
        let residual = residual.max(0.0) / n;
        let judged = lambda * lambda * self.judged.variance() / self.judged.count.max(1) as f64;
        let standard_error = (residual + judged).sqrt();
        let half = z * standard_error;
        let interval = Interval { low: mean - half, high: mean + half };
        check_finite(interval.low)?;
        check_finite(interval.high)?;
        Ok(PredictionPoweredEstimate { mean, standard_error, interval, lambda })
    }

    /// How much higher the judge scores than people, on what both have scored, with an interval of this
    /// confidence.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1, fewer than two labels, or
    /// figures too large for a double.
    pub fn bias(&self, confidence: f64) -> Result<PredictionPoweredEstimate> {
        let z = two_sided(confidence)?;
        if self.labels() < 2 {
            let reason = format!("{} have no spread; 2 do", self.labels());
            return Err(Error::invalid("labels", reason));
        }
        let PairSums { first: scores, second: labels, .. } = &self.labelled;
        let variance = scores.variance() - 2.0 * self.labelled.covariance() + labels.variance();
        check_finite(variance)?;
        let standard_error = (variance.max(0.0) / scores.count as f64).sqrt();
        let (mean, half) = (scores.mean - labels.mean, z * standard_error);
        let interval = Interval { low: mean - half, high: mean + half };
        Ok(PredictionPoweredEstimate { mean, standard_error, interval, lambda: 1.0 })
    }

    /// Pearson's correlation of judge and people; `None` where either always says the same.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        let PairSums { first, second, products } = &self.labelled;
        let spread = first.squares.sqrt() * second.squares.sqrt();
        (spread > 0.0).then(|| (products / spread).clamp(-1.0, 1.0))
    }

    /// The `λ` of the smallest standard error. 0 where the judge always says the same.
    fn power(&self) -> f64 {
        let mut all = self.labelled.first;
        all.merge(&self.judged);
        let (n, more) = (self.labels() as f64, self.judged.count as f64);
        // With n - 1, as `numpy.cov` has it.
        let variance = all.squares / (n + more - 1.0);
        let lambda = self.labelled.covariance() / ((1.0 + n / more) * variance);
        if lambda.is_finite() { lambda.clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[derive(Deserialize)]
#[serde(rename = "PredictionPowered")]
struct Unchecked {
    labelled: PairSums,
    judged: Sums,
}

impl TryFrom<Unchecked> for PredictionPowered {
    type Error = Error;

    fn try_from(Unchecked { labelled, judged }: Unchecked) -> Result<Self> {
        if labelled.is_possible() && judged.is_possible() {
            return Ok(Self { labelled, judged });
        }
        Err(Error::invalid("scores", "no scores and labels have these sums"))
    }
}

fn check_finite(figure: f64) -> Result<()> {
    if figure.is_finite() {
        return Ok(());
    }
    Err(Error::invalid("scores", "their figures are too large for a double"))
}

/// How many standard errors an interval of this confidence has on either side.
fn two_sided(confidence: f64) -> Result<f64> {
    if confidence > 0.0 && confidence < 1.0 {
        // Of the tail, which is exact for confidences near 1.
        Ok(-normal::quantile((1.0 - confidence) / 2.0))
    } else {
        Err(Error::invalid("confidence", format!("{confidence} is not between 0 and 1")))
    }
}

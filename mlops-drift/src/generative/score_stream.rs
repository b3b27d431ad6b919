//! [`ScoreStream`].

use mlops_core::{
    Error, Result,
    stats::{Interval, confidence_sequence::EmpiricalBernstein},
};
use serde::{Deserialize, Serialize};

use super::Score;

/// The mean of a score in `[0, 1]`, or the rate of a yes, which may be looked at after every response; and whether
/// it is still what it was.
///
/// The interval is a confidence sequence ([`EmpiricalBernstein`]): with the confidence asked for, it covers the
/// mean at all times at once. So the first time it lies wholly outside of what the reference says is normal is
/// an alarm that is false with a probability of at most `1 - confidence`, however often one looks. A reference is
/// an interval, because it was estimated too; one that is known exactly has both ends the same.
///
/// The mean is that of everything since the stream began: it moves slowly after a long time without change, so a
/// stream is [`reset`](Self::reset) with each day or window. What depends on the order of observations, as this
/// does, does not merge: replicas have streams of their own.
///
/// ```
/// use mlops_core::stats::Interval;
/// use mlops_drift::generative::{ScoreStream, StreamOptions, StreamState};
///
/// # fn main() -> mlops_core::Result<()> {
/// let normal = Interval { low: 0.01, high: 0.02 };
/// let mut refusals = ScoreStream::new(normal, StreamOptions::default().with_tolerance(0.01))?;
/// for response in 0..2000 {
///     refusals.update(if response % 10 == 0 { 1.0 } else { 0.0 })?;
/// }
/// assert_eq!(refusals.state(), StreamState::Above);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ScoreStream {
    normal: Interval,
    sum: f64,
    sequence: EmpiricalBernstein,
    /// What it begins with.
    fresh: EmpiricalBernstein,
}

/// How a [`ScoreStream`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StreamOptions {
    /// The probability, in (0, 1), that there is never a false alarm.
    pub confidence: f64,
    /// How far beyond the reference a mean is still normal.
    pub tolerance: f64,
}

impl Default for StreamOptions {
    /// 95 %, and no tolerance.
    fn default() -> Self {
        Self { confidence: 0.95, tolerance: 0.0 }
    }
}

impl StreamOptions {
    /// With this [`confidence`](Self::confidence).
    #[must_use]
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// With this [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}

/// What a [`ScoreStream`] says of the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// It may be within what is normal, or is.
    Normal,
    /// It is above that.
    Above,
    /// It is below that.
    Below,
}

impl ScoreStream {
    /// No scores yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a reference that is not in `[0, 1]` or whose ends are the wrong way round, a
    /// tolerance that is negative or not finite, and a confidence that is not between 0 and 1.
    pub fn new(reference: Interval, options: StreamOptions) -> Result<Self> {
        let Interval { low, high } = reference;
        if !(0.0 <= low && low <= high && high <= 1.0) {
            let reason = format!("from {low} to {high} is not within [0, 1]");
            return Err(Error::invalid("reference", reason));
        }
        let StreamOptions { confidence, tolerance } = options;
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(Error::invalid(
                "tolerance",
                format!("{tolerance} is negative or not finite"),
            ));
        }
        let normal = Interval { low: low - tolerance, high: high + tolerance };
        let sequence = EmpiricalBernstein::new(confidence)?;
        Ok(Self { normal, sum: 0.0, fresh: sequence.clone(), sequence })
    }

    /// Takes in a score.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one that is not in `[0, 1]`; nothing has changed then.
    pub fn update(&mut self, score: f64) -> Result<()> {
        self.sequence.update(score)?;
        self.sum += score;
        Ok(())
    }

    /// Takes in a score as evaluators and judges give it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a number or a category, which have no bounds, and one that is not in
    /// `[0, 1]`.
    pub fn update_score(&mut self, score: &Score) -> Result<()> {
        match score {
            Score::Bounded(value) => self.update(*value),
            Score::YesNo(yes) => self.update(f64::from(u8::from(*yes))),
            Score::Number(_) | Score::Category(_) => {
                Err(Error::invalid("score", format!("{:?} has no bounds", score.kind())))
            }
        }
    }

    /// Whether the mean is outside of what is normal. It may go back to [`Normal`](StreamState::Normal): whoever
    /// raises an alarm keeps it.
    #[must_use]
    pub fn state(&self) -> StreamState {
        let interval = self.interval();
        if interval.low > self.normal.high {
            StreamState::Above
        } else if interval.high < self.normal.low {
            StreamState::Below
        } else {
            StreamState::Normal
        }
    }

    /// The mean of the scores so far; `None` of none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum / self.count() as f64)
    }

    /// Where the mean is; `[0, 1]` before the first score.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.sequence.interval()
    }

    /// Scores so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sequence.count()
    }

    /// Begins anew, with the same reference. Each time is one more chance of a false alarm.
    pub fn reset(&mut self) {
        self.sequence = self.fresh.clone();
        self.sum = 0.0;
    }
}

#[derive(Deserialize)]
#[serde(rename = "ScoreStream")]
struct Unchecked {
    normal: Interval,
    sum: f64,
    sequence: EmpiricalBernstein,
    fresh: EmpiricalBernstein,
}

impl TryFrom<Unchecked> for ScoreStream {
    type Error = Error;

    fn try_from(Unchecked { normal, sum, sequence, fresh }: Unchecked) -> Result<Self> {
        let Interval { low, high } = normal;
        if !(low <= high && low.is_finite() && high.is_finite()) {
            return Err(Error::invalid("reference", format!("from {low} to {high} is nothing")));
        }
        // Scores are 1 at most, and a sum of them may round.
        let most = sequence.count() as f64 * (1.0 + 1e-9);
        if !(0.0..=most).contains(&sum) || fresh.count() > 0 {
            let reason = format!("{} do not sum to {sum}", sequence.count());
            return Err(Error::invalid("scores", reason));
        }
        Ok(Self { normal, sum, sequence, fresh })
    }
}

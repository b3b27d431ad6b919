//! [`PredictionPoweredSequence`].

use mlops_core::{
    Error, Result,
    stats::{
        Interval,
        confidence_sequence::{AsymptoticOptions, AsymptoticSequence},
    },
};
use serde::{Deserialize, Serialize};

use super::sums::PairSums;

/// As [`PredictionPowered`](super::PredictionPowered), for who looks after every exchange.
///
/// Each exchange is labelled with a probability `π` that is known beforehand, and gives one observation
///
/// `z = g + (y - g) / π` if it was labelled, else `z = g`, with `g = a + b f`
///
/// of the judge's score `f`, where the line `a + b f` is the least-squares one through the labels seen *before*.
/// Whatever the judge and the line are, `z` has the mean of the labels (augmented inverse-probability weighting:
/// Robins, Rotnitzky and Zhao 1994), so an [`AsymptoticSequence`] of it covers that mean at all times at once; the
/// nearer the line is to the labels, the narrower it is. Before [`min_labels`](PredictionPoweredSequenceOptions)
/// are in, `g` is the judge's score and there is no interval.
///
/// An exchange enters when its label has come, or when it is certain that it gets none. The order must not
/// depend on what is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct PredictionPoweredSequence {
    labelling_rate: f64,
    min_labels: u64,
    labelled: PairSums,
    sequence: AsymptoticSequence,
}

/// How a [`PredictionPoweredSequence`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PredictionPoweredSequenceOptions {
    /// The probability with which an exchange is labelled, in `(0, 1]`.
    pub labelling_rate: f64,
    /// Labels before the first interval, at least 2.
    pub min_labels: u64,
    /// The confidence, and where the interval is the narrowest, in exchanges.
    pub sequence: AsymptoticOptions,
}

impl PredictionPoweredSequenceOptions {
    /// With this rate of labels; from 50 labels on, narrowest at 1000 of them, with a confidence of 95 %.
    #[must_use]
    pub fn new(labelling_rate: f64) -> Self {
        let narrowest_at = (1000.0 / labelling_rate) as u64;
        let sequence = AsymptoticOptions::default().with_narrowest_at(narrowest_at.max(1));
        Self { labelling_rate, min_labels: 50, sequence }
    }

    /// With this [`min_labels`](Self::min_labels).
    #[must_use]
    pub fn with_min_labels(mut self, min_labels: u64) -> Self {
        self.min_labels = min_labels;
        self
    }

    /// With this confidence, and narrowest at so many exchanges.
    #[must_use]
    pub fn with_sequence(mut self, sequence: AsymptoticOptions) -> Self {
        self.sequence = sequence;
        self
    }
}

impl PredictionPoweredSequence {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a rate that is not in `(0, 1]`, fewer than two labels, and what
    /// [`AsymptoticSequence::new`] refuses.
    pub fn new(options: PredictionPoweredSequenceOptions) -> Result<Self> {
        let PredictionPoweredSequenceOptions { labelling_rate, min_labels, sequence } = options;
        check(labelling_rate, min_labels)?;
        let sequence = AsymptoticSequence::new(sequence)?;
        Ok(Self { labelling_rate, min_labels, labelled: PairSums::default(), sequence })
    }

    /// Takes in an exchange: the judge's score, and a person's if it was labelled.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one that is not finite, or too far out to be squared; nothing has
    /// changed then.
    pub fn update(&mut self, score: f64, label: Option<f64>) -> Result<()> {
        if !score.is_finite() {
            return Err(Error::invalid("judge score", format!("it is {score}")));
        }
        let expected = self.expected(score);
        let mut labelled = self.labelled;
        let observation = match label {
            None => expected,
            Some(label) => {
                labelled.push(score, label, ["judge score", "label"])?;
                expected + (label - expected) / self.labelling_rate
            }
        };
        self.sequence.update(observation)?;
        self.labelled = labelled;
        Ok(())
    }

    /// What a label is expected to be, by the labels seen before.
    fn expected(&self, score: f64) -> f64 {
        let PairSums { first, second, products } = &self.labelled;
        if first.count < self.min_labels {
            return score;
        }
        let slope = products / first.squares;
        let slope = if slope.is_finite() { slope } else { 0.0 };
        second.mean + slope * (score - first.mean)
    }

    /// Where the mean of the labels is; `None` before enough labels, or exchanges
    /// ([`AsymptoticOptions::min_count`]).
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        self.sequence.interval().filter(|_| self.labels() >= self.min_labels)
    }

    /// The estimate of the mean so far; 0 before the first exchange.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sequence.mean()
    }

    /// Exchanges so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sequence.count()
    }

    /// Exchanges with a label so far.
    #[must_use]
    pub fn labels(&self) -> u64 {
        self.labelled.first.count
    }
}

fn check(labelling_rate: f64, min_labels: u64) -> Result<()> {
    if !(labelling_rate > 0.0 && labelling_rate <= 1.0) {
        let reason = format!("{labelling_rate} is not in (0, 1]");
        return Err(Error::invalid("labelling rate", reason));
    }
    if min_labels < 2 {
        return Err(Error::invalid("min_labels", format!("{min_labels} have no spread; 2 do")));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename = "PredictionPoweredSequence")]
struct Unchecked {
    labelling_rate: f64,
    min_labels: u64,
    labelled: PairSums,
    sequence: AsymptoticSequence,
}

impl TryFrom<Unchecked> for PredictionPoweredSequence {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked { labelling_rate, min_labels, labelled, sequence } = read;
        check(labelling_rate, min_labels)?;
        if !labelled.is_possible() || labelled.first.count > sequence.count() {
            return Err(Error::invalid("scores", "no scores and labels have these sums"));
        }
        Ok(Self { labelling_rate, min_labels, labelled, sequence })
    }
}

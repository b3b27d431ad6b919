//! [`Cbpe`]: how well a classifier does, before anybody knows the truth.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{estimate::Estimate, isotonic::Isotonic};

/// Confidence-based performance estimation of a binary classifier (NannyML's CBPE).
///
/// If scores are calibrated, a row with score *s* is positive with probability *s*, whatever the truth
/// turns out to be; so the confusion matrix can be expected without labels, and everything that follows
/// from it. Calibration is learned on a reference whose labels are known.
///
/// The estimate holds as long as only the inputs drift: as long as rows that look the same still mean
/// the same. It says nothing of a concept that changes, and little of scores that the reference never
/// had: [`CbpeEstimate::outside`] is the share of those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cbpe {
    calibration: Isotonic,
}

/// What [`Cbpe`] expects of rows whose truth is not known.
///
/// The errors are those of the truth about the expectation, the rows being independent: in large samples
/// the figure that labels will show lies within two of them in 95 of 100 cases. A figure is `None` where
/// it is not defined, such as the precision where nothing was predicted positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CbpeEstimate {
    /// How many rows there are.
    pub rows: u64,
    /// The confusion matrix.
    pub confusion: ExpectedConfusion,
    /// The share of rows that are predicted right.
    pub accuracy: Estimate,
    /// Of those predicted positive, the share that are.
    pub precision: Option<Estimate>,
    /// Of those that are positive, the share predicted so.
    pub recall: Option<Estimate>,
    /// Of those that are negative, the share predicted so.
    pub specificity: Option<Estimate>,
    /// The harmonic mean of precision and recall.
    pub f1: Option<Estimate>,
    /// How often a positive row has a larger score than a negative one, ties counting half.
    pub roc_auc: Option<Estimate>,
    /// The share of rows whose score lies outside those of the reference.
    pub outside: f64,
}

/// How many rows of each kind are expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ExpectedConfusion {
    /// Positive, and predicted so.
    pub true_positives: f64,
    /// Negative, and predicted positive.
    pub false_positives: f64,
    /// Negative, and predicted so.
    pub true_negatives: f64,
    /// Positive, and predicted negative.
    pub false_negatives: f64,
}

impl Cbpe {
    /// Learns what scores mean from a reference: the larger a score, the likelier is a positive row.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not as many scores as outcomes, none, one that is not
    /// finite, or only one kind of outcome.
    pub fn fit(scores: &[f64], outcomes: &[bool]) -> Result<Self> {
        let positive = outcomes.iter().filter(|outcome| **outcome).count();
        if positive == 0 || positive == outcomes.len() {
            let reason = format!("{positive} of {} outcomes are positive", outcomes.len());
            return Err(Error::invalid("reference of an estimate", reason));
        }
        let outcomes: Vec<f64> = outcomes.iter().map(|outcome| f64::from(*outcome)).collect();
        Ok(Self { calibration: Isotonic::fit(scores, &outcomes)? })
    }

    /// The probability that a row with this score is positive.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        self.calibration.at(score)
    }

    /// What to expect of rows with these scores and predictions.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not as many scores as predictions, none, or a score that
    /// is not finite.
    pub fn estimate(&self, scores: &[f64], predicted: &[bool]) -> Result<CbpeEstimate> {
        let invalid = |reason: String| Err(Error::invalid("rows to estimate", reason));
        if scores.len() != predicted.len() || scores.is_empty() {
            return invalid(format!("{} scores and {} predictions", scores.len(), predicted.len()));
        }
        if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
            return invalid(format!("score {index} is {}", scores[index]));
        }
        let (low, high) = self.calibration.range();
        let mut rows: Vec<_> =
            scores.iter().map(|score| (*score, self.calibration.at(*score))).collect();
        let outside = scores.iter().filter(|score| **score < low || **score > high).count();
        let sums = Sums::of(&rows, predicted);
        rows.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(CbpeEstimate {
            rows: scores.len() as u64,
            confusion: sums.confusion,
            accuracy: sums.accuracy(),
            precision: sums.precision(),
            recall: sums.recall(),
            specificity: sums.specificity(),
            f1: sums.f1(),
            roc_auc: roc_auc(&rows),
            outside: outside as f64 / scores.len() as f64,
        })
    }
}

/// What all figures but the area under the curve follow from: expected counts, and the variances of how
/// many are positive among those predicted so, and among the others.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    confusion: ExpectedConfusion,
    variance_positive: f64,
    variance_negative: f64,
}

impl Sums {
    fn of(rows: &[(f64, f64)], predicted: &[bool]) -> Self {
        let mut sums = Self::default();
        for ((_, p), is_positive) in rows.iter().zip(predicted) {
            if *is_positive {
                sums.confusion.true_positives += p;
                sums.confusion.false_positives += 1.0 - p;
                sums.variance_positive += p * (1.0 - p);
            } else {
                sums.confusion.false_negatives += p;
                sums.confusion.true_negatives += 1.0 - p;
                sums.variance_negative += p * (1.0 - p);
            }
        }
        sums
    }

    /// A figure of value `value`, of which one positive row more changes so much: among those predicted
    /// positive, and among the others.
    fn estimate(&self, value: f64, if_positive: f64, if_negative: f64) -> Estimate {
        let variance = self.variance_positive * if_positive * if_positive
            + self.variance_negative * if_negative * if_negative;
        Estimate::new(value, variance)
    }

    fn accuracy(&self) -> Estimate {
        let ExpectedConfusion { true_positives, false_positives, true_negatives, false_negatives } =
            self.confusion;
        let right = true_positives + true_negatives;
        let rows = right + false_positives + false_negatives;
        self.estimate(right / rows, 1.0 / rows, 1.0 / rows)
    }

    fn precision(&self) -> Option<Estimate> {
        let ExpectedConfusion { true_positives, false_positives, .. } = self.confusion;
        let predicted = true_positives + false_positives;
        (predicted > 0.0).then(|| self.estimate(true_positives / predicted, 1.0 / predicted, 0.0))
    }

    fn recall(&self) -> Option<Estimate> {
        let ExpectedConfusion { true_positives, false_negatives, .. } = self.confusion;
        let positive = true_positives + false_negatives;
        (positive > 0.0).then(|| {
            let recall = true_positives / positive;
            self.estimate(recall, (1.0 - recall) / positive, recall / positive)
        })
    }

    fn specificity(&self) -> Option<Estimate> {
        let ExpectedConfusion { true_negatives, false_positives, .. } = self.confusion;
        let negative = true_negatives + false_positives;
        (negative > 0.0).then(|| {
            let specificity = true_negatives / negative;
            self.estimate(specificity, specificity / negative, (1.0 - specificity) / negative)
        })
    }

    fn f1(&self) -> Option<Estimate> {
        let ExpectedConfusion { true_positives, false_positives, false_negatives, .. } =
            self.confusion;
        let both = 2.0 * true_positives + false_positives + false_negatives;
        (both > 0.0).then(|| {
            let f1 = 2.0 * true_positives / both;
            self.estimate(f1, (2.0 - f1) / both, f1 / both)
        })
    }
}

/// The area under the receiver operating characteristic of rows, (score, probability) by rising score.
///
/// It is the expected number of pairs of a positive and a negative row that are in order, ties counting
/// half, by the expected number of such pairs. A row is no pair with itself. The error is by the delta
/// method: what one positive row more would change.
fn roc_auc(rows: &[(f64, f64)]) -> Option<Estimate> {
    let positive: f64 = rows.iter().map(|(_, p)| p).sum();
    let negative = rows.len() as f64 - positive;
    let same: f64 = rows.iter().map(|(_, p)| p * (1.0 - p)).sum();
    let pairs = positive * negative - same;
    if pairs <= 0.0 {
        return None;
    }
    // Each score's sums: of what lies below it, and of its ties.
    let mut groups = Vec::new();
    let (mut below_positive, mut below_negative, mut ordered) = (0.0, 0.0, 0.0);
    for tied in rows.chunk_by(|(a, _), (b, _)| a == b) {
        let tied_positive: f64 = tied.iter().map(|(_, p)| p).sum();
        let tied_negative = tied.len() as f64 - tied_positive;
        let itself: f64 = tied.iter().map(|(_, p)| p * (1.0 - p)).sum();
        ordered += tied_positive * below_negative + 0.5 * (tied_positive * tied_negative - itself);
        let above_positive = positive - below_positive - tied_positive;
        // What a positive row here gains below it and loses above it.
        let gain = below_negative + 0.5 * tied_negative - above_positive - 0.5 * tied_positive;
        groups.push((itself, gain));
        below_positive += tied_positive;
        below_negative += tied_negative;
    }
    let value = ordered / pairs;
    let change = |gain: f64| (gain - value * (negative - positive)) / pairs;
    let variance: f64 = groups.iter().map(|(weight, gain)| weight * change(*gain).powi(2)).sum();
    Some(Estimate::new(value, variance))
}

//! [`Cbpe`]: how well a classifier does, before anybody knows the truth.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    calibration_check::{CalibrationCheck, Labelled, inflation},
    ranking::{Ranked, Tied, average_precision, roc_auc},
};
use crate::performance::{Concern, Estimate, Isotonic, Validity, ValidityOptions};

/// Confidence-based performance estimation of a binary classifier (NannyML's CBPE).
///
/// If scores are calibrated, a row with score *s* is positive with probability *s*, whatever the truth
/// turns out to be; so the confusion matrix can be expected without labels, and everything that follows
/// from it. Calibration is learned on a reference whose labels are known.
///
/// The estimate holds as long as only the inputs drift: as long as rows that look the same still mean
/// the same. It knows nothing of scores that the reference never had, and sees no concept that changes:
/// [`CbpeEstimate::validity`] says so of the first, and [`check`](Self::check) of the second, from a few labels.
///
/// Of scores that are all different it is NannyML's, but for the area under the curve and the average
/// precision: those are expectations here, in which a row is no pair with itself and equal scores are
/// ties (there they are in whatever order the sort left them). The difference is about one in the rows,
/// and more with ties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct Cbpe {
    calibration: Isotonic,
    reference_rows: u64,
    options: ValidityOptions,
}

/// What [`Cbpe`] expects of rows whose truth is not known.
///
/// The errors are those of the truth about the expectation, the rows being independent: in large samples
/// the figure that labels will show lies within two of them in 95 of 100 cases. The calibration is taken as
/// known, so the reference should have several times as many rows. A figure is `None` where
/// it is not defined, such as the precision where nothing was predicted positive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CbpeEstimate {
    /// How many rows there are.
    pub rows: u64,
    /// Whether the figures may be believed: look here first.
    pub validity: Validity,
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
    /// The precision at each score, weighted by the recall that it adds.
    pub average_precision: Option<Estimate>,
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
        let values: Vec<f64> = outcomes.iter().map(|outcome| f64::from(*outcome)).collect();
        Ok(Self {
            calibration: Isotonic::fit(scores, &values)?,
            reference_rows: outcomes.len() as u64,
            options: ValidityOptions::default(),
        })
    }

    /// Sets when an estimate is doubted.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if options are out of their range.
    pub fn with_validity(self, options: ValidityOptions) -> Result<Self> {
        options.check()?;
        Ok(Self { options, ..self })
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
        if scores.len() != predicted.len() {
            let reason = format!("{} scores and {} predictions", scores.len(), predicted.len());
            return Err(Error::invalid("rows to estimate", reason));
        }
        check_scores(scores)?;
        let (sums, groups) = self.count(scores, predicted);
        let (low, high) = self.calibration.range();
        let outside = scores.iter().filter(|score| **score < low || **score > high).count();
        let outside = outside as f64 / scores.len() as f64;
        let ranked = |figure: Option<Ranked>| {
            figure.map(|Ranked { value, changes }| {
                let groups = groups.iter().zip(&changes);
                let variance = groups.map(|(tied, change)| tied.variance * change * change).sum();
                Estimate::new(value, variance)
            })
        };
        let reason = Concern::OutsideReference { share: outside };
        Ok(CbpeEstimate {
            rows: scores.len() as u64,
            validity: self.options.outside(outside, reason),
            confusion: sums.confusion,
            accuracy: sums.accuracy(),
            precision: sums.precision(),
            recall: sums.recall(),
            specificity: sums.specificity(),
            f1: sums.f1(),
            roc_auc: ranked(roc_auc(&groups)),
            average_precision: ranked(average_precision(&groups)),
            outside,
        })
    }

    /// Whether scores still mean what they meant, from rows whose truth is known by now: if not, estimates
    /// of rows like these are not valid.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not as many scores as outcomes, none, or a score that is
    /// not finite.
    pub fn check(&self, scores: &[f64], outcomes: &[bool]) -> Result<CalibrationCheck> {
        if scores.len() != outcomes.len() {
            let reason = format!("{} scores and {} outcomes", scores.len(), outcomes.len());
            return Err(Error::invalid("labelled rows", reason));
        }
        check_scores(scores)?;
        let inflation = inflation(&self.calibration, scores);
        let rows = scores.iter().zip(outcomes).zip(inflation);
        let rows = rows.map(|((score, outcome), inflation)| Labelled {
            probability: self.calibration.at(*score),
            outcome: *outcome,
            inflation,
        });
        Ok(CalibrationCheck::of(rows.collect(), self.reference_rows, &self.options))
    }

    /// The expected counts, and groups of equal scores by rising score.
    ///
    /// Scores of rows predicted positive and of others are sorted apart, eight bytes a row, and met in
    /// order: the calibration is then walked once, not searched for each row.
    fn count(&self, scores: &[f64], predicted: &[bool]) -> (Sums, Vec<Tied>) {
        let mut sorted = [true, false].map(|kind| {
            let rows = scores.iter().zip(predicted).filter(|(_, is)| **is == kind);
            let mut scores: Vec<f64> = rows.map(|(score, _)| *score).collect();
            scores.sort_unstable_by(f64::total_cmp);
            scores
        });
        let [positive, negative] = &mut sorted;
        let (mut positive, mut negative) = (positive.as_slice(), negative.as_slice());
        let mut probability = self.calibration.ascending();
        let (mut sums, mut groups) = (Sums::default(), Vec::with_capacity(scores.len()));
        while let Some(score) = match (positive.first(), negative.first()) {
            (Some(a), Some(b)) => Some(a.min(*b)),
            (a, b) => a.or(b).copied(),
        } {
            let p = probability(score);
            let [positive, negative] =
                [&mut positive, &mut negative].map(|rows| take_equal(rows, score));
            sums.add(p, positive, negative);
            let rows = positive + negative;
            groups.push(Tied { rows, positive: p * rows, variance: p * (1.0 - p) * rows });
        }
        (sums, groups)
    }
}

impl CbpeEstimate {
    /// The estimate with one more verdict, such as that of a check with labels: the worse of both counts.
    #[must_use]
    pub fn and(self, validity: &Validity) -> Self {
        Self { validity: self.validity.and(validity.clone()), ..self }
    }
}

/// Takes the rows of this score, which none is below, and counts them.
fn take_equal(rows: &mut &[f64], score: f64) -> f64 {
    let equal = rows.iter().take_while(|other| **other == score).count();
    *rows = &rows[equal..];
    equal as f64
}

/// Whether there are scores, all finite.
pub(super) fn check_scores(scores: &[f64]) -> Result<()> {
    if scores.is_empty() {
        return Err(Error::invalid("rows to estimate", "there are none"));
    }
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => {
            let reason = format!("score {index} is {}", scores[index]);
            Err(Error::invalid("rows to estimate", reason))
        }
        None => Ok(()),
    }
}

/// What all figures follow from that do not need the order of the scores: expected counts, and the variances of how
/// many are positive among those predicted so, and among the others.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    confusion: ExpectedConfusion,
    variance_positive: f64,
    variance_negative: f64,
}

impl Sums {
    /// Adds rows with this probability: so many predicted positive, and so many others.
    fn add(&mut self, p: f64, positive: f64, negative: f64) {
        self.confusion.true_positives += p * positive;
        self.confusion.false_positives += (1.0 - p) * positive;
        self.variance_positive += p * (1.0 - p) * positive;
        self.confusion.false_negatives += p * negative;
        self.confusion.true_negatives += (1.0 - p) * negative;
        self.variance_negative += p * (1.0 - p) * negative;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    calibration: Isotonic,
    reference_rows: u64,
    options: ValidityOptions,
}

impl TryFrom<Unchecked> for Cbpe {
    type Error = Error;

    fn try_from(Unchecked { calibration, reference_rows, options }: Unchecked) -> Result<Self> {
        check_calibration(&calibration, reference_rows)?;
        Self { calibration, reference_rows, options: ValidityOptions::default() }
            .with_validity(options)
    }
}

/// Whether a reference of so many rows can have led to this.
pub(super) fn check_calibration(calibration: &Isotonic, rows: u64) -> Result<()> {
    if rows > 0 && calibration.is_of_probabilities() {
        return Ok(());
    }
    Err(Error::invalid("reference of an estimate", "it has no rows, or no probabilities"))
}

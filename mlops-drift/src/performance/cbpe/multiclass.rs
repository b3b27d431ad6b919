//! [`MulticlassCbpe`]: how well a classifier of several classes does, before anybody knows the truth.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    binary::{check_calibration, check_scores},
    calibration_check::{CalibrationCheck, Labelled, inflation},
    ranking::{Tied, roc_auc},
};
use crate::performance::{Concern, Estimate, Isotonic, Validity, ValidityOptions};

/// Confidence-based performance estimation of a classifier of several classes (NannyML's CBPE).
///
/// The scores of each class are calibrated against all others, and a row's probabilities are then divided
/// by their sum; a row that no class is likely for is any of them alike. From there it is what
/// [`Cbpe`](super::Cbpe) is for two classes, its limits included. Classes are their indices, from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct MulticlassCbpe {
    /// One for each class.
    calibrations: Vec<Isotonic>,
    reference_rows: u64,
    options: ValidityOptions,
}

/// What [`MulticlassCbpe`] expects of rows whose truth is not known.
///
/// All but the accuracy are means over the classes, each having the same weight (`macro`); of a class for
/// which a figure is not defined it counts as 0, as in scikit-learn. Errors are those of the truth about the
/// expectation, as in [`CbpeEstimate`](super::CbpeEstimate).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MulticlassEstimate {
    /// How many rows there are.
    pub rows: u64,
    /// Whether the figures may be believed: look here first.
    pub validity: Validity,
    /// How many rows of each class (first index) are expected among those predicted as each (second).
    pub confusion: Vec<Vec<f64>>,
    /// The share of rows that are predicted right.
    pub accuracy: Estimate,
    /// Of those predicted as a class, the share that are.
    pub precision: Estimate,
    /// Of those of a class, the share predicted so.
    pub recall: Estimate,
    /// Of those of other classes, the share predicted as one of those.
    pub specificity: Estimate,
    /// The harmonic mean of a class's precision and recall.
    pub f1: Estimate,
    /// How often a row of a class has a larger score for it than one of another class, ties counting
    /// half. `None` if that is not defined for one of the classes.
    pub roc_auc: Option<Estimate>,
    /// The share of rows with a score outside those of the reference.
    pub outside: f64,
}

impl MulticlassCbpe {
    /// How many classes there can be.
    pub const MAX_CLASSES: usize = 1024;

    /// Learns what scores mean from a reference: a score for each of `classes` classes for one row after
    /// the other, and the class that each row turned out to be of.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than two classes or more than
    /// [`MAX_CLASSES`](Self::MAX_CLASSES), scores that are not `classes` for each outcome, one that is not
    /// finite, or a class that no row is of.
    pub fn fit(classes: usize, scores: &[f64], outcomes: &[usize]) -> Result<Self> {
        check_classes(classes)?;
        check_rows(classes, scores, outcomes)?;
        let calibrations = (0..classes).map(|class| {
            let values: Vec<f64> =
                outcomes.iter().map(|outcome| f64::from(*outcome == class)).collect();
            if !outcomes.contains(&class) {
                let reason = format!("no outcome is class {class}");
                return Err(Error::invalid("reference of an estimate", reason));
            }
            Isotonic::fit(&column(scores, classes, class), &values)
        });
        Ok(Self {
            calibrations: calibrations.collect::<Result<_>>()?,
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

    /// How many classes there are.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.calibrations.len()
    }

    /// How probable each class is, for one row after the other, of scores in the same order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are no scores, not as many for each row as there are classes, or
    /// one that is not finite.
    pub fn probabilities(&self, scores: &[f64]) -> Result<Vec<f64>> {
        let classes = self.classes();
        check_scores(scores)?;
        if !scores.len().is_multiple_of(classes) {
            let reason = format!("{} scores for {classes} classes", scores.len());
            return Err(Error::invalid("rows to estimate", reason));
        }
        let mut probabilities = Vec::with_capacity(scores.len());
        for row in scores.chunks_exact(classes) {
            let start = probabilities.len();
            probabilities.extend(self.calibrations.iter().zip(row).map(|(c, score)| c.at(*score)));
            let row = &mut probabilities[start..];
            let sum: f64 = row.iter().sum();
            let uniform = 1.0 / classes as f64;
            row.iter_mut().for_each(|p| *p = if sum > 0.0 { *p / sum } else { uniform });
        }
        Ok(probabilities)
    }

    /// What to expect of rows with these scores, in the order of [`fit`](Self::fit), and predicted classes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if scores are not as many for each prediction as there are classes, there
    /// are none, one is not finite, or a prediction is no class.
    pub fn estimate(&self, scores: &[f64], predicted: &[usize]) -> Result<MulticlassEstimate> {
        let classes = self.classes();
        check_rows(classes, scores, predicted)?;
        let probabilities = self.probabilities(scores)?;
        let mut confusion = vec![vec![0.0; classes]; classes];
        for (row, predicted) in probabilities.chunks_exact(classes).zip(predicted) {
            confusion.iter_mut().zip(row).for_each(|(class, p)| class[*predicted] += p);
        }
        let ranges: Vec<_> = self.calibrations.iter().map(Isotonic::range).collect();
        let is_outside = |row: &[f64]| {
            row.iter().zip(&ranges).any(|(score, (low, high))| score < low || score > high)
        };
        let rows = predicted.len() as f64;
        let outside = scores.chunks_exact(classes).filter(|row| is_outside(row)).count();
        let outside = outside as f64 / rows;
        let mut figures = figures(&confusion, rows);
        for (row, predicted) in probabilities.chunks_exact(classes).zip(predicted) {
            figures.iter_mut().for_each(|figure| figure.add_row(row, *predicted));
        }
        let [accuracy, precision, recall, specificity, f1] =
            figures.map(|figure| Estimate::new(figure.value, figure.variance));
        let reason = Concern::OutsideReference { share: outside };
        Ok(MulticlassEstimate {
            rows: predicted.len() as u64,
            validity: self.options.outside(outside, reason),
            confusion,
            accuracy,
            precision,
            recall,
            specificity,
            f1,
            roc_auc: macro_roc_auc(classes, scores, &probabilities),
            outside,
        })
    }

    /// Whether scores still mean what they meant, from rows whose class is known by now: that of the class
    /// for which it is worst, its p-value times the number of classes.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate), of outcomes.
    pub fn check(&self, scores: &[f64], outcomes: &[usize]) -> Result<CalibrationCheck> {
        let classes = self.classes();
        check_rows(classes, scores, outcomes)?;
        let probabilities = self.probabilities(scores)?;
        let of_class =
            |class: usize| {
                let calibration = &self.calibrations[class];
                let inflation = inflation(calibration, &column(scores, classes, class));
                let rows = column(&probabilities, classes, class).into_iter().zip(outcomes);
                let rows = rows.zip(inflation).map(|((probability, outcome), inflation)| {
                    Labelled { probability, outcome: *outcome == class, inflation }
                });
                CalibrationCheck::of(rows.collect(), self.reference_rows, &self.options)
            };
        CalibrationCheck::worst((0..classes).map(of_class).collect(), &self.options)
            .ok_or_else(|| Error::invalid("classes", "there are none"))
    }
}

impl MulticlassEstimate {
    /// The estimate with one more verdict, such as that of a check with labels: the worse of both counts.
    #[must_use]
    pub fn and(self, validity: &Validity) -> Self {
        Self { validity: self.validity.and(validity.clone()), ..self }
    }
}

/// A figure of the confusion matrix, and its variance as rows are added.
#[derive(Debug)]
struct Figure {
    value: f64,
    /// How much it changes if a row is of class `i`: by `of_class[i]`, and if it is also predicted so, by
    /// `right[i]` more (the delta method).
    of_class: Vec<f64>,
    right: Vec<f64>,
    variance: f64,
}

impl Figure {
    /// The variance of the change that a row makes, which is of one class with these probabilities.
    fn add_row(&mut self, probabilities: &[f64], predicted: usize) {
        let (mut mean, mut square) = (0.0, 0.0);
        for (p, change) in probabilities.iter().zip(&self.of_class) {
            mean += p * change;
            square += p * change * change;
        }
        let (p, right) = (probabilities[predicted], self.right[predicted]);
        mean += p * right;
        square += p * right * (right + 2.0 * self.of_class[predicted]);
        self.variance += (square - mean * mean).max(0.0);
    }
}

/// Accuracy, precision, recall, specificity and F1 of an expected confusion matrix of so many rows.
fn figures(confusion: &[Vec<f64>], rows: f64) -> [Figure; 5] {
    let classes = confusion.len();
    let right = |class: usize| confusion[class][class];
    let of_class: Vec<f64> = confusion.iter().map(|row| row.iter().sum()).collect();
    let predicted: Vec<f64> =
        (0..classes).map(|class| confusion.iter().map(|row| row[class]).sum()).collect();
    let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
    // Each class's value, and what it changes by for a row of the class, and for one predicted so besides.
    let mean = |figure: &dyn Fn(usize) -> [f64; 3]| {
        let by_class: Vec<_> = (0..classes).map(figure).collect();
        let part = |n: usize| by_class.iter().map(|of| of[n] / classes as f64).collect::<Vec<_>>();
        Figure { value: part(0).iter().sum(), of_class: part(1), right: part(2), variance: 0.0 }
    };
    let accuracy = Figure {
        value: (0..classes).map(right).sum::<f64>() / rows,
        of_class: vec![0.0; classes],
        right: vec![1.0 / rows; classes],
        variance: 0.0,
    };
    let precision =
        mean(&|class| [share(right(class), predicted[class]), 0.0, share(1.0, predicted[class])]);
    let recall = mean(&|class| {
        let recall = share(right(class), of_class[class]);
        [recall, -share(recall, of_class[class]), share(1.0, of_class[class])]
    });
    let specificity = mean(&|class| {
        let negative = rows - of_class[class];
        let specificity = share(negative - predicted[class] + right(class), negative);
        [specificity, share(specificity - 1.0, negative), share(1.0, negative)]
    });
    let f1 = mean(&|class| {
        let both = predicted[class] + of_class[class];
        let f1 = share(2.0 * right(class), both);
        [f1, -share(f1, both), share(2.0, both)]
    });
    [accuracy, precision, recall, specificity, f1]
}

/// The mean over the classes of the area under the curve of one against all others.
fn macro_roc_auc(classes: usize, scores: &[f64], probabilities: &[f64]) -> Option<Estimate> {
    let rows = scores.len() / classes;
    // For each row the mean and the mean square, over its classes, of what its class changes.
    let mut moments = vec![[0.0; 2]; rows];
    let mut value = 0.0;
    for class in 0..classes {
        let p = |row: usize| probabilities[row * classes + class];
        let mut order: Vec<_> = (0..rows).map(|row| (scores[row * classes + class], row)).collect();
        order.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let tied = || order.chunk_by(|(a, _), (b, _)| a == b);
        let groups: Vec<_> = tied()
            .map(|tied| {
                let sum = |of: fn(f64) -> f64| tied.iter().map(|(_, row)| of(p(*row))).sum();
                let (positive, variance) = (sum(|p| p), sum(|p| p * (1.0 - p)));
                Tied { rows: tied.len() as f64, positive, variance }
            })
            .collect();
        let ranked = roc_auc(&groups)?;
        value += ranked.value / classes as f64;
        for (tied, change) in tied().zip(ranked.changes) {
            let change = change / classes as f64;
            for (_, row) in tied {
                moments[*row][0] += p(*row) * change;
                moments[*row][1] += p(*row) * change * change;
            }
        }
    }
    let variance = moments.iter().map(|[mean, square]| square - mean * mean).sum();
    Some(Estimate::new(value, variance))
}

/// The values of one class.
fn column(rows: &[f64], classes: usize, class: usize) -> Vec<f64> {
    rows.iter().skip(class).step_by(classes).copied().collect()
}

/// Whether there are scores for each row, and each row has a class.
fn check_rows(classes: usize, scores: &[f64], of_rows: &[usize]) -> Result<()> {
    if Some(scores.len()) != of_rows.len().checked_mul(classes) {
        let reason = format!("{} scores for {} rows of {classes}", scores.len(), of_rows.len());
        return Err(Error::invalid("rows to estimate", reason));
    }
    if let Some(row) = of_rows.iter().position(|class| *class >= classes) {
        let reason = format!("row {row} is class {} of {classes}", of_rows[row]);
        return Err(Error::invalid("rows to estimate", reason));
    }
    check_scores(scores)
}

fn check_classes(classes: usize) -> Result<()> {
    if (2..=MulticlassCbpe::MAX_CLASSES).contains(&classes) {
        return Ok(());
    }
    let reason = format!("{classes} is not from 2 to {}", MulticlassCbpe::MAX_CLASSES);
    Err(Error::invalid("classes", reason))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    calibrations: Vec<Isotonic>,
    reference_rows: u64,
    options: ValidityOptions,
}

impl TryFrom<Unchecked> for MulticlassCbpe {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked { calibrations, reference_rows, options } = read;
        check_classes(calibrations.len())?;
        calibrations.iter().try_for_each(|curve| check_calibration(curve, reference_rows))?;
        Self { calibrations, reference_rows, options: ValidityOptions::default() }
            .with_validity(options)
    }
}

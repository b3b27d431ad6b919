//! [`ConfusionMatrix`].

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    classes::Classes,
    estimate::Estimate,
    figure::{Confidence, Figure},
};

/// How many rows of each class were predicted as each class.
///
/// Its shape is fixed; two of the same shape [merge](Self::merge) by adding counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct ConfusionMatrix {
    classes: usize,
    /// A row for each actual class, with a count for each predicted one.
    counts: Box<[u64]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    classes: usize,
    counts: Box<[u64]>,
}

/// How well one class is told from the others.
///
/// A figure is `None` where it is a share of nothing, such as the precision of a class that is never
/// predicted. The intervals are Wilson's, that of F1 by way of the Jaccard index (below).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassFigures {
    /// Rows of this class.
    pub support: u64,
    /// Rows predicted as this class.
    pub predicted: u64,
    /// Of those predicted as this class, the share that are.
    pub precision: Option<Figure>,
    /// Of those of this class, the share predicted so.
    pub recall: Option<Figure>,
    /// Of those of other classes, the share not predicted as this one.
    pub specificity: Option<Figure>,
    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`. Of `TP + FP + FN` rows a
    /// binomial number are `TP`; with the share `j` of these it is `2 j / (1 + j)`, which rises with `j`,
    /// so that the ends of Wilson's interval of `j` become those of F1.
    pub f1: Option<Figure>,
}

/// The sums of a matrix.
#[derive(Debug)]
pub(super) struct Margins {
    pub(super) rows: u64,
    pub(super) right: u64,
    pub(super) actual: Vec<u64>,
    pub(super) predicted: Vec<u64>,
}

impl ConfusionMatrix {
    /// The matrix of no rows.
    #[must_use]
    pub fn new(classes: &Classes) -> Self {
        let classes = classes.len();
        Self { classes, counts: vec![0; classes * classes].into() }
    }

    /// Counts a row.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if one of the classes is not in the matrix.
    pub fn observe(&mut self, predicted: usize, actual: usize) -> Result<()> {
        for (what, class) in [("predicted class", predicted), ("actual class", actual)] {
            if class >= self.classes {
                let reason = format_args!("{class} is not below {}", self.classes);
                return Err(Error::invalid(what, reason));
            }
        }
        let count = &mut self.counts[actual * self.classes + predicted];
        *count = count.saturating_add(1);
        Ok(())
    }

    /// Adds the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.classes != other.classes {
            let reason = format_args!("of {} and of {} classes", self.classes, other.classes);
            return Err(Error::invalid("confusion matrices", reason));
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        Ok(())
    }

    /// How many classes it has.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// A row for each actual class, of a count for each predicted one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        self.counts.chunks_exact(self.classes)
    }

    /// Rows that are predicted right.
    #[must_use]
    pub fn right(&self) -> u64 {
        self.counts.iter().step_by(self.classes + 1).sum()
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How well each class is told from the others.
    pub(super) fn of_classes(
        &self,
        margins: &Margins,
        confidence: &Confidence,
    ) -> Vec<ClassFigures> {
        let of = |class: usize| {
            let right = self.right_of(class);
            let [actual, predicted] = [margins.actual[class], margins.predicted[class]];
            let others = margins.rows - actual;
            let either = actual + predicted - right;
            ClassFigures {
                support: actual,
                predicted,
                precision: confidence.share(right, predicted),
                recall: confidence.share(right, actual),
                specificity: confidence.share(others - (predicted - right), others),
                f1: confidence.share(right, either).map(|jaccard| jaccard.map(f1_of_jaccard)),
            }
        };
        (0..self.classes).map(of).collect()
    }

    pub(super) fn margins(&self) -> Margins {
        let mut predicted = vec![0; self.classes];
        let mut actual = Vec::with_capacity(self.classes);
        for row in self.iter() {
            actual.push(row.iter().sum());
            predicted.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        Margins { rows: actual.iter().sum(), right: self.right(), actual, predicted }
    }

    pub(super) fn right_of(&self, class: usize) -> u64 {
        self.counts[class * (self.classes + 1)]
    }

    /// Rows of either of two classes that were taken for the other.
    pub(super) fn confused(&self, one: usize, other: usize) -> u64 {
        self.counts[one * self.classes + other] + self.counts[other * self.classes + one]
    }

    /// A figure that does not change if all counts are multiplied, with its error by the delta method:
    /// `slope(actual, predicted)` is how much one row more changes it, and rows being drawn independently
    /// its variance is `Σ count · slope²`, less the square of `Σ count · slope` by rows.
    pub(super) fn estimate(&self, value: f64, slope: impl Fn(usize, usize) -> f64) -> Estimate {
        let (mut rows, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (actual, row) in self.iter().enumerate() {
            for (predicted, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (count, slope) = (*count as f64, slope(actual, predicted));
                rows += count;
                sum += count * slope;
                squares += count * slope * slope;
            }
        }
        Estimate::new(value, squares - sum * (sum / rows))
    }
}

fn f1_of_jaccard(jaccard: f64) -> f64 {
    2.0 * jaccard / (1.0 + jaccard)
}

/// Refuses stored counts whose sums would not be exact.
pub(super) fn check_counts(what: &'static str, counts: &[u64]) -> Result<()> {
    let sum = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    if sum > 1 << 53 {
        return Err(Error::invalid(what, "its counts sum to more than 2^53"));
    }
    Ok(())
}

impl TryFrom<Unchecked> for ConfusionMatrix {
    type Error = Error;

    fn try_from(Unchecked { classes, counts }: Unchecked) -> Result<Self> {
        if !(2..=Classes::MAX).contains(&classes) || counts.len() != classes * classes {
            let reason = format!("{} counts of {classes} classes", counts.len());
            return Err(Error::invalid("confusion matrix", reason));
        }
        check_counts("confusion matrix", &counts)?;
        Ok(Self { classes, counts })
    }
}

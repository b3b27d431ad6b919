//! [`ClassificationMetrics`]: how well a classifier does.

use mlops_core::{
    Error, Result,
    stats::{mean::Summary, proportion::Proportion},
};
use serde::{Deserialize, Serialize};

use super::{
    averages,
    calibration::{CalibrationBins, CalibrationError},
    classes::Classes,
    confusion::{ClassFigures, ConfusionMatrix, check_counts},
    figure::{Confidence, Figure},
    roc::RocAuc,
    scores::ScoreHistogram,
};

/// How far the probabilities of a row may be from adding up to 1: rounding of 16-bit numbers.
const SUM_TOLERANCE: f64 = 0.01;

/// How well a classifier does, of rows that come one by one.
///
/// It keeps counts and sums, no rows: a confusion matrix and, if probabilities are
/// [asked for](Self::with_probabilities), losses, bins of confidence and, of two classes, a histogram of
/// scores; 8 bytes for each pair of classes, and 32 KiB for the histogram. Two of the same classes
/// [merge](Self::merge) into what one would be that had seen all rows, up to the rounding of the losses.
///
/// ```
/// use mlops_drift::performance::{Classes, ClassificationMetrics};
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut metrics = ClassificationMetrics::new(Classes::new(["cat", "dog"])?);
/// for (predicted, actual) in [(0, 0), (0, 0), (1, 1), (0, 1)] {
///     metrics.observe(Some(predicted), Some(actual))?;
/// }
/// let accuracy = metrics.figures(0.95)?.accuracy.expect("there are rows");
/// assert_eq!(accuracy.value, 0.75);
/// assert!(accuracy.interval.low < 0.31 && accuracy.interval.high > 0.95);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct ClassificationMetrics {
    classes: Classes,
    confusion: ConfusionMatrix,
    unknown: UnknownClasses,
    probabilities: Option<Box<Probabilities>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    classes: Classes,
    confusion: ConfusionMatrix,
    unknown: UnknownClasses,
    probabilities: Option<Box<Probabilities>>,
}

/// Rows that have no place in the confusion matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UnknownClasses {
    /// Rows whose actual class is not known to be one of the classes; their prediction was wrong.
    pub actual: u64,
    /// Rows whose predicted class is none of the classes, and whose actual class is; they are wrong too.
    pub predicted: u64,
    /// Rows of which neither is: they count for nothing.
    pub both: u64,
}

/// What is kept of rows with probabilities.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probabilities {
    log_loss: Summary,
    brier_score: Summary,
    calibration: CalibrationBins,
    /// Of the second of two classes.
    scores: Option<ScoreHistogram>,
}

/// The figures of [`ClassificationMetrics`].
///
/// A figure is `None` where it is not defined: of no rows, a share of nothing, or a spread of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassificationFigures {
    /// Rows that count: all but those of which neither class is known.
    pub rows: u64,
    /// Rows outside the confusion matrix. They count for the accuracy, and for nothing else.
    pub unknown: UnknownClasses,
    /// The share of rows that are predicted right; Wilson's interval.
    pub accuracy: Option<Figure>,
    /// The mean recall of the classes that have rows. Interval from those of the classes, by the sum of
    /// squares of their distances (Zou and Donner 2008).
    pub balanced_accuracy: Option<Figure>,
    /// The mean precision of the classes that are predicted; interval as of the balanced accuracy.
    pub macro_precision: Option<Figure>,
    /// The mean F1 of the classes that have rows or are predicted. Interval as of the balanced accuracy,
    /// with the correlations of the classes (Zou 2008).
    pub macro_f1: Option<Figure>,
    /// The mean precision of the classes that are predicted, weighted by the rows of each. Interval by the
    /// delta method.
    pub weighted_precision: Option<Figure>,
    /// The mean F1, weighted by the rows of each class. Interval by the delta method.
    pub weighted_f1: Option<Figure>,
    /// The correlation of prediction and truth, in `[-1, 1]`: Matthews (1975), Gorodkin (2004). `None` if
    /// one of them is always the same class. Interval by the delta method and Fisher's z.
    pub matthews_correlation: Option<Figure>,
    /// Cohen's (1960) kappa: how far the accuracy is above chance, in `[-1, 1]`. Error by Fleiss, Cohen and
    /// Everitt (1969), interval by Fisher's z.
    pub cohens_kappa: Option<Figure>,
    /// The mean of `-ln p` of the probability that was given to the actual class, in nats; a probability
    /// below 2.2 · 10⁻¹⁶ counts as that. Interval by Student's t.
    pub log_loss: Option<Figure>,
    /// The mean of `(p - y)²`, of the second of two classes; of more, of the sum over all. Interval by
    /// Student's t.
    pub brier_score: Option<Figure>,
    /// How far confidence is from accuracy.
    pub calibration_error: Option<CalibrationError>,
    /// Of two classes: how often a row of the second has a larger probability of it than one of the
    /// first.
    pub roc_auc: Option<Figure>,
    /// Of two classes: the area under precision over recall of the second.
    pub average_precision: Option<Figure>,
    /// Each class, in order.
    pub classes: Vec<ClassFigures>,
}

impl ClassificationMetrics {
    /// No rows yet, of these classes, predictions only.
    #[must_use]
    pub fn new(classes: Classes) -> Self {
        let confusion = ConfusionMatrix::new(&classes);
        Self { classes, confusion, unknown: UnknownClasses::default(), probabilities: None }
    }

    /// Keeps what is needed of probabilities too; any rows so far had none.
    #[must_use]
    pub fn with_probabilities(mut self) -> Self {
        let scores = (self.classes.len() == 2).then(ScoreHistogram::default);
        self.probabilities = Some(Box::new(Probabilities { scores, ..Probabilities::default() }));
        self
    }

    /// The same classes and no rows.
    #[must_use]
    pub fn empty_like(&self) -> Self {
        let empty = Self::new(self.classes.clone());
        if self.probabilities.is_some() { empty.with_probabilities() } else { empty }
    }

    /// Counts a row by its classes, as places among [`classes`](Self::classes); `None` is a class that is
    /// not among them. Of a row that is known to be wrong, but not what it is, the actual class is `None`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no class of this place, and nothing is counted.
    pub fn observe(&mut self, predicted: Option<usize>, actual: Option<usize>) -> Result<()> {
        for (what, class) in [("predicted class", predicted), ("actual class", actual)] {
            if let Some(class) = class.filter(|class| *class >= self.classes.len()) {
                let reason = format_args!("{class} is not below {}", self.classes.len());
                return Err(Error::invalid(what, reason));
            }
        }
        match (predicted, actual) {
            (Some(predicted), Some(actual)) => return self.confusion.observe(predicted, actual),
            (Some(_), None) => self.unknown.actual += 1,
            (None, Some(_)) => self.unknown.predicted += 1,
            (None, None) => self.unknown.both += 1,
        }
        Ok(())
    }

    /// Counts a row with the probability that was given to each class. The predicted class is the
    /// caller's to say: it may be chosen by another threshold than the largest probability.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no class of this place, not a probability for each class,
    /// one that is not in `[0, 1]`, or if their sum is not 1 within 1 %; nothing is counted then.
    pub fn observe_probabilities(
        &mut self,
        predicted: usize,
        probabilities: &[f64],
        actual: Option<usize>,
    ) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("probabilities", reason));
        if probabilities.len() != self.classes.len() {
            return invalid(format!("{} of {} classes", probabilities.len(), self.classes.len()));
        }
        let is_one = |p: &f64| (0.0..=1.0 + SUM_TOLERANCE).contains(p);
        if let Some(class) = probabilities.iter().position(|p| !is_one(p)) {
            return invalid(format!("that of class {class} is {}", probabilities[class]));
        }
        let sum: f64 = probabilities.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return invalid(format!("their sum is {sum}"));
        }
        self.observe(Some(predicted), actual)?;
        let (Some(kept), Some(actual)) = (&mut self.probabilities, actual) else {
            return Ok(());
        };
        let at = |class: usize| probabilities[class].min(1.0);
        kept.log_loss.merge(&one(-at(actual).max(f64::EPSILON).ln()));
        kept.brier_score.merge(&one(brier(probabilities, actual)));
        kept.calibration.observe(at(predicted), u64::from(predicted == actual));
        match &mut kept.scores {
            Some(scores) if actual == 1 => scores.observe_positive(at(1)),
            Some(scores) => scores.observe_negative(at(1)),
            None => Ok(()),
        }
    }

    /// Adds the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is of other classes, or only one of both keeps probabilities;
    /// nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.classes != other.classes {
            return Err(Error::invalid("metrics to merge", "they are of other classes"));
        }
        match (&mut self.probabilities, &other.probabilities) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (None, None) => {}
            _ => {
                let reason = "only one of both keeps probabilities";
                return Err(Error::invalid("metrics to merge", reason));
            }
        }
        self.unknown.actual += other.unknown.actual;
        self.unknown.predicted += other.unknown.predicted;
        self.unknown.both += other.unknown.both;
        self.confusion.merge(&other.confusion)
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The confusion matrix.
    #[must_use]
    pub fn confusion(&self) -> &ConfusionMatrix {
        &self.confusion
    }

    /// How many rows are right; `None` if there are none.
    #[must_use]
    pub fn accuracy(&self) -> Option<Proportion> {
        Proportion::new(self.confusion.right(), self.rows()).ok()
    }

    /// The log losses of the rows that had probabilities.
    #[must_use]
    pub fn log_loss(&self) -> Option<Summary> {
        self.probabilities.as_ref().map(|kept| kept.log_loss)
    }

    /// The squared errors of the rows that had probabilities, of which the Brier score is the mean.
    #[must_use]
    pub fn brier_score(&self) -> Option<Summary> {
        self.probabilities.as_ref().map(|kept| kept.brier_score)
    }

    /// The area under the receiver operating characteristic of two classes, with rows of both.
    #[must_use]
    pub fn roc_auc(&self) -> Option<RocAuc> {
        self.probabilities.as_ref()?.scores.as_ref()?.roc_auc()
    }

    /// Rows that count: all but those of which neither class is known.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.confusion.rows() + self.unknown.actual + self.unknown.predicted
    }

    /// All figures, with intervals of this confidence.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
    pub fn figures(&self, confidence: f64) -> Result<ClassificationFigures> {
        let level = Confidence::new(confidence)?;
        let (matrix, margins) = (&self.confusion, self.confusion.margins());
        let classes = matrix.of_classes(&margins, &level);
        let mut figures = ClassificationFigures {
            rows: self.rows(),
            unknown: self.unknown,
            accuracy: level.share(margins.right, self.rows()),
            balanced_accuracy: averages::mean(classes.iter().filter_map(|class| class.recall)),
            macro_precision: averages::mean(classes.iter().filter_map(|class| class.precision)),
            macro_f1: averages::macro_f1(matrix, &margins, &classes),
            weighted_precision: averages::weighted_precision(matrix, &margins, &level),
            weighted_f1: averages::weighted_f1(matrix, &margins, &level),
            matthews_correlation: averages::matthews_correlation(matrix, &margins, &level),
            cohens_kappa: averages::cohens_kappa(matrix, &margins, &level),
            log_loss: None,
            brier_score: None,
            calibration_error: None,
            roc_auc: None,
            average_precision: None,
            classes,
        };
        if let Some(kept) = &self.probabilities {
            figures.log_loss = mean(&kept.log_loss, confidence);
            figures.brier_score = mean(&kept.brier_score, confidence);
            figures.calibration_error = kept.calibration.error();
            if let Some(scores) = &kept.scores {
                let area = scores.roc_auc().map(|area| area.figure(confidence));
                figures.roc_auc = area.transpose()?;
                let area = scores.average_precision().map(|area| area.figure(confidence));
                figures.average_precision = area.transpose()?;
            }
        }
        Ok(figures)
    }
}

impl Probabilities {
    /// Whether rows lead to them, no more than so many.
    fn is_possible(&self, most: u64) -> bool {
        let Self { log_loss, brier_score, calibration, scores } = self;
        let rows = log_loss.count;
        let is_loss = |losses: &Summary, most: f64| {
            losses.count == rows
                && (0.0..=most).contains(&losses.mean)
                && (0.0..=most * most).contains(&losses.variance)
        };
        rows <= most
            // The logarithm of the least probability that is kept, and two probabilities off by 1.
            && is_loss(log_loss, 40.0)
            && is_loss(brier_score, 3.0)
            && calibration.is_of(rows)
            && scores.as_ref().is_none_or(|scores| scores.rows() == rows)
    }

    fn merge(&mut self, other: &Self) {
        self.log_loss.merge(&other.log_loss);
        self.brier_score.merge(&other.brier_score);
        self.calibration.merge(&other.calibration);
        if let (Some(mine), Some(theirs)) = (&mut self.scores, &other.scores) {
            mine.merge(theirs);
        }
    }
}

/// The summary of one value.
fn one(value: f64) -> Summary {
    Summary { count: 1, mean: value, variance: 0.0 }
}

fn brier(probabilities: &[f64], actual: usize) -> f64 {
    let off = |(class, p): (usize, &f64)| (p - f64::from(class == actual)).powi(2);
    match probabilities {
        [_, p] => off((1, p)),
        all => all.iter().enumerate().map(off).sum(),
    }
}

/// A mean of losses, which are not negative.
fn mean(summary: &Summary, confidence: f64) -> Option<Figure> {
    let interval = summary.confidence_interval(confidence).ok()?;
    Some(Figure::new(summary.mean, interval.low.max(0.0), interval.high))
}

impl TryFrom<Unchecked> for ClassificationMetrics {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked { classes, confusion, unknown, probabilities } = read;
        let binary = classes.len() == 2;
        let has_scores = probabilities.as_ref().is_none_or(|kept| kept.scores.is_some() == binary);
        if confusion.classes() != classes.len() || !has_scores {
            let reason = format!("its parts are not all of {} classes", classes.len());
            return Err(Error::invalid("classification metrics", reason));
        }
        let apart = [unknown.actual, unknown.predicted, unknown.both];
        check_counts("classification metrics", &apart)?;
        if probabilities.as_ref().is_some_and(|kept| !kept.is_possible(confusion.rows())) {
            return Err(Error::invalid("classification metrics", "its rows have other losses"));
        }
        Ok(Self { classes, confusion, unknown, probabilities })
    }
}

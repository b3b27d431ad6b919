//! [`PerformanceComparison`]: does the model do worse than it did?

use mlops_core::{
    Result,
    stats::{
        Alternative::{Greater, Less},
        correction::Correction,
    },
};
use serde::{Deserialize, Serialize};

use super::metrics::{PerformanceMetrics, other_task};
use crate::performance::{
    ClassificationMetrics, FigureDifference, RegressionMetrics, compare_estimates, compare_means,
    compare_shares, figure::Confidence,
};

/// The figures of a model beside those of a reference, both of rows with labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PerformanceComparison {
    /// How many rows of the reference have labels.
    pub reference_rows: u64,
    /// How many current rows have.
    pub current_rows: u64,
    /// How sure each interval is; one less this is how often any figure is found worse if none is.
    pub confidence: f64,
    /// Of each figure that both have enough rows for.
    pub figures: Vec<FigureComparison>,
}

/// A figure beside that of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FigureComparison {
    /// Which figure, such as `accuracy`.
    pub figure: String,
    /// That of the reference.
    pub reference: f64,
    /// That of the current rows.
    pub current: f64,
    /// How far they are apart. The p-value is that of a figure so much worse if nothing had changed.
    pub difference: FigureDifference,
    /// The p-value, adjusted for the number of figures by [`Correction::Holm`].
    pub adjusted_p_value: f64,
    /// Whether the current figure is worse: the adjusted p-value is small enough. By how much, and whether that
    /// matters, the interval of the difference says.
    pub is_worse: bool,
}

impl PerformanceMetrics {
    /// Is this worse than a reference? Of a classifier its accuracy and, with probabilities, log loss,
    /// Brier score and area under the receiver operating characteristic; of a regression its mean absolute
    /// and mean squared error. What one of both has too few rows for is left out.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) if the reference is of another task, or for a
    /// confidence that is not between 0 and 1.
    pub fn compare(&self, reference: &Self, confidence: f64) -> Result<PerformanceComparison> {
        Confidence::new(confidence)?;
        let mut figures = match (self, reference) {
            (Self::Classification(current), Self::Classification(reference))
                if current.classes() == reference.classes() =>
            {
                of_classes(current, reference, confidence)?
            }
            (Self::Regression(current), Self::Regression(reference)) => {
                of_numbers(current, reference, confidence)?
            }
            _ => return Err(other_task()),
        };
        let p_values: Vec<f64> = figures.iter().map(|it| it.difference.p_value).collect();
        let adjusted = Correction::Holm.adjust(&p_values)?;
        for (figure, p_value) in figures.iter_mut().zip(adjusted) {
            figure.adjusted_p_value = p_value;
            figure.is_worse = p_value <= 1.0 - confidence;
        }
        let (reference_rows, current_rows) = (reference.rows(), self.rows());
        Ok(PerformanceComparison { reference_rows, current_rows, confidence, figures })
    }
}

impl FigureComparison {
    /// Not held to any level yet.
    fn new(figure: &str, reference: f64, current: f64, difference: FigureDifference) -> Self {
        let adjusted_p_value = difference.p_value;
        let figure = figure.to_owned();
        Self { figure, reference, current, difference, adjusted_p_value, is_worse: false }
    }
}

fn of_classes(
    current: &ClassificationMetrics,
    reference: &ClassificationMetrics,
    confidence: f64,
) -> Result<Vec<FigureComparison>> {
    let mut figures = Vec::new();
    let mut add = |figure, theirs, ours, difference| {
        figures.push(FigureComparison::new(figure, theirs, ours, difference));
    };
    if let (Some(ours), Some(theirs)) = (current.accuracy(), reference.accuracy()) {
        let difference = compare_shares(&theirs, &ours, Less, confidence)?;
        add("accuracy", theirs.estimate(), ours.estimate(), difference);
    }
    let losses = [
        ("log_loss", current.log_loss(), reference.log_loss()),
        ("brier_score", current.brier_score(), reference.brier_score()),
    ];
    for (figure, ours, theirs) in losses {
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && ours.count.min(theirs.count) > 1
        {
            let difference = compare_means(&theirs, &ours, Greater, confidence)?;
            add(figure, theirs.mean, ours.mean, difference);
        }
    }
    if let (Some(ours), Some(theirs)) = (current.roc_auc(), reference.roc_auc()) {
        let (ours, theirs) = (ours.estimate(), theirs.estimate());
        let difference = compare_estimates(&theirs, &ours, Less, confidence)?;
        add("roc_auc", theirs.value, ours.value, difference);
    }
    Ok(figures)
}

fn of_numbers(
    current: &RegressionMetrics,
    reference: &RegressionMetrics,
    confidence: f64,
) -> Result<Vec<FigureComparison>> {
    let of =
        |metrics: &RegressionMetrics| [metrics.mean_absolute_error(), metrics.mean_squared_error()];
    let names = ["mean_absolute_error", "mean_squared_error"];
    let mut figures = Vec::new();
    for (name, both) in names.iter().zip(of(current).into_iter().zip(of(reference))) {
        if let (Some(ours), Some(theirs)) = both {
            let difference = compare_estimates(&theirs, &ours, Greater, confidence)?;
            figures.push(FigureComparison::new(name, theirs.value, ours.value, difference));
        }
    }
    Ok(figures)
}

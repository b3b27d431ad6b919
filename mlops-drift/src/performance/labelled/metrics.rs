//! [`PerformanceMetrics`]: of a classifier, or of a regression.

use mlops_core::{Error, Result, stats::student_t};
use serde::{Deserialize, Serialize};

use super::options::Task;
use crate::performance::{
    ClassificationFigures, ClassificationMetrics, Estimate, Figure, RegressionMetrics,
    figure::Confidence,
};

/// How well a model does, whatever it predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PerformanceMetrics {
    /// Of a classifier.
    Classification(ClassificationMetrics),
    /// Of a regression.
    Regression(RegressionMetrics),
}

/// The figures of [`PerformanceMetrics`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PerformanceFigures {
    /// Of a classifier.
    Classification(Box<ClassificationFigures>),
    /// Of a regression.
    Regression(RegressionFigures),
}

/// The figures of [`RegressionMetrics`], with intervals by Student's t; `None` below two rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RegressionFigures {
    /// How many rows there are.
    pub rows: u64,
    /// The mean error, predicted less actual.
    pub bias: Option<Figure>,
    /// The mean size of the error.
    pub mean_absolute_error: Option<Figure>,
    /// The square root of the mean square of the error.
    pub root_mean_squared_error: Option<Figure>,
    /// The share of the variance that the predictions explain.
    pub r_squared: Option<f64>,
}

impl PerformanceMetrics {
    /// The metrics of no rows of this task; with probabilities where it has them.
    pub(super) fn new(task: &Task) -> Self {
        use super::output::PredictedClass::{Probabilities, Probability};
        match task {
            Task::Regression { .. } => Self::Regression(RegressionMetrics::default()),
            Task::Classification { classes, predicted } => {
                let metrics = ClassificationMetrics::new(classes.clone());
                Self::Classification(match predicted {
                    Probabilities { .. } | Probability { .. } => metrics.with_probabilities(),
                    _ => metrics,
                })
            }
        }
    }

    /// How many rows count.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            Self::Classification(metrics) => metrics.rows(),
            Self::Regression(metrics) => metrics.rows(),
        }
    }

    /// Adds the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is of another task.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Classification(mine), Self::Classification(theirs)) => mine.merge(theirs),
            (Self::Regression(mine), Self::Regression(theirs)) => {
                mine.merge(theirs);
                Ok(())
            }
            _ => Err(other_task()),
        }
    }

    /// All figures, with intervals of this confidence.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
    pub fn figures(&self, confidence: f64) -> Result<PerformanceFigures> {
        match self {
            Self::Classification(metrics) => {
                Ok(PerformanceFigures::Classification(Box::new(metrics.figures(confidence)?)))
            }
            Self::Regression(metrics) => {
                let confidence = Confidence::new(confidence)?;
                let dof = metrics.rows() as f64 - 1.0;
                let figure = |Estimate { value, standard_error }, least: f64| {
                    let t = -student_t::quantile(0.5 * (1.0 - confidence.level), dof);
                    let half = t * standard_error;
                    Figure::new(value, (value - half).max(least), value + half)
                };
                let error = |estimate: Option<Estimate>| estimate.map(|found| figure(found, 0.0));
                Ok(PerformanceFigures::Regression(RegressionFigures {
                    rows: metrics.rows(),
                    bias: metrics.bias().map(|bias| figure(bias, f64::NEG_INFINITY)),
                    mean_absolute_error: error(metrics.mean_absolute_error()),
                    root_mean_squared_error: error(metrics.root_mean_squared_error()),
                    r_squared: metrics.r_squared(),
                }))
            }
        }
    }
}

pub(super) fn other_task() -> Error {
    Error::invalid("performance metrics", "they are of another task")
}

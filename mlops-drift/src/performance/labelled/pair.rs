//! A prediction and what came true.

use mlops_core::{Error, Result};

use super::{metrics::PerformanceMetrics, output::Predicted};
use crate::performance::ClassificationMetrics;

/// What turned out to be true.
#[derive(Debug, Clone, Copy)]
pub(super) enum Truth {
    /// A class; `None` is one that is not among the classes.
    Class(Option<usize>),
    Right,
    Wrong,
    Number(f64),
}

/// Adds a pair, and gives its error: 1 or 0 of a classifier, its size of a regression; `None` where it is
/// not known whether it is one.
pub(super) fn add(
    metrics: &mut PerformanceMetrics,
    predicted: &Predicted,
    truth: Truth,
) -> Result<Option<f64>> {
    let metrics = match (metrics, predicted, truth) {
        (
            PerformanceMetrics::Regression(metrics),
            Predicted::Number(number),
            Truth::Number(actual),
        ) => {
            metrics.observe(*number, actual)?;
            return Ok(Some((number - actual).abs()));
        }
        (PerformanceMetrics::Classification(metrics), ..) => metrics,
        _ => return Err(Error::invalid("outcome", "it is of another task")),
    };
    let class = match predicted {
        Predicted::Class(class) => *class,
        Predicted::Probability { class, .. } | Predicted::Probabilities { class, .. } => {
            Some(*class)
        }
        Predicted::Number(_) => None,
    };
    let actual = actual(metrics, class, truth);
    match predicted {
        Predicted::Probability { class, probability } => {
            let both = [1.0 - probability, *probability];
            metrics.observe_probabilities(*class, &both, actual)?;
        }
        Predicted::Probabilities { class, probabilities } => {
            metrics.observe_probabilities(*class, probabilities, actual)?;
        }
        Predicted::Class(_) | Predicted::Number(_) => metrics.observe(class, actual)?,
    }
    Ok((class.is_some() || actual.is_some()).then(|| f64::from(class != actual)))
}

/// The actual class. Of two, one that is wrong is the other; of more nobody knows.
fn actual(
    metrics: &ClassificationMetrics,
    predicted: Option<usize>,
    truth: Truth,
) -> Option<usize> {
    match truth {
        Truth::Class(class) => class,
        Truth::Right => predicted,
        Truth::Wrong if metrics.classes().len() == 2 => predicted.map(|class| 1 - class),
        Truth::Wrong | Truth::Number(_) => None,
    }
}

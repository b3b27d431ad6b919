//! [`LabelledSummary`], and figures as readings.

use std::time::Duration;

use mlops_core::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    counts::LabelledCounts,
    metrics::PerformanceFigures,
    options::{LabelledOptions, Task},
};
use crate::{
    alert::Reading,
    performance::{Figure, classification::ClassificationFigures},
};

/// Which pairs figures are of, by the time of their prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairsOf {
    /// All there ever were.
    Overall,
    /// Those of the panes that reach into this last stretch of time.
    Last(Duration),
}

/// What a [`LabelledMonitor`](super::LabelledMonitor) knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabelledSummary {
    /// What became of everything that was observed.
    pub counts: LabelledCounts,
    /// The figures of all pairs.
    pub overall: PerformanceFigures,
    /// Those of each pane that has pairs, by rising time.
    pub panes: Vec<PaneSummary>,
    /// What the change detector said, if there is one.
    pub concept_drift: Option<ConceptDrift>,
}

/// The figures of a pane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PaneSummary {
    /// When it begins.
    pub start: Timestamp,
    /// How many pairs count.
    pub rows: u64,
    /// Their figures.
    pub figures: PerformanceFigures,
}

/// What a change detector said of the errors: 1 and 0 of a classifier, their size of a regression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConceptDrift {
    /// How often it said that there was a change.
    pub changes: u64,
    /// How often it said that there may be one.
    pub warnings: u64,
    /// Errors that it could not use.
    pub ignored: u64,
    /// When the last change was found: the time of the collection that found it.
    pub last_change: Option<Timestamp>,
}

/// Figures as readings; one of too few rows has no value.
pub(super) fn readings(options: &LabelledOptions, figures: &PerformanceFigures) -> Vec<Reading> {
    let mut readings = Vec::new();
    let rows = match figures {
        PerformanceFigures::Classification(figures) => figures.rows,
        PerformanceFigures::Regression(figures) => figures.rows,
    };
    // A figure, with the rows that it is of.
    let mut add = |kind: &str, class: Option<&str>, value: Option<f64>, rows: u64| {
        let value = value.filter(|_| rows >= options.min_rows);
        let mut reading = Reading::new(kind, value);
        reading.model.clone_from(&options.model);
        readings.push(match class {
            Some(class) => reading.with_label("class", class),
            None => reading,
        });
    };
    let value = |figure: Option<Figure>| figure.map(|figure| figure.value);
    match figures {
        PerformanceFigures::Regression(figures) => {
            let error = value(figures.root_mean_squared_error);
            add("bias", None, value(figures.bias), rows);
            add("mean_absolute_error", None, value(figures.mean_absolute_error), rows);
            add("root_mean_squared_error", None, error, rows);
            add("r_squared", None, figures.r_squared, rows);
        }
        PerformanceFigures::Classification(figures) => {
            for (kind, figure) in of_all_classes(figures) {
                add(kind, None, value(figure), rows);
            }
            let error = figures.calibration_error.map(|error| error.value);
            add("expected_calibration_error", None, error, rows);
            let Task::Classification { classes, .. } = &options.task else {
                return readings;
            };
            for (name, class) in classes.names().iter().zip(&figures.classes) {
                let others = rows.saturating_sub(class.support);
                add("precision", Some(name), value(class.precision), class.predicted);
                add("recall", Some(name), value(class.recall), class.support);
                add("specificity", Some(name), value(class.specificity), others);
                add("f1", Some(name), value(class.f1), class.support);
            }
        }
    }
    readings
}

/// Figures with the kind of their readings.
fn of_all_classes(figures: &ClassificationFigures) -> [(&'static str, Option<Figure>); 12] {
    [
        ("accuracy", figures.accuracy),
        ("balanced_accuracy", figures.balanced_accuracy),
        ("macro_precision", figures.macro_precision),
        ("macro_f1", figures.macro_f1),
        ("weighted_precision", figures.weighted_precision),
        ("weighted_f1", figures.weighted_f1),
        ("matthews_correlation", figures.matthews_correlation),
        ("cohens_kappa", figures.cohens_kappa),
        ("log_loss", figures.log_loss),
        ("brier_score", figures.brier_score),
        ("roc_auc", figures.roc_auc),
        ("average_precision", figures.average_precision),
    ]
}

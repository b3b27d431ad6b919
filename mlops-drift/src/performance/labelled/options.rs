//! [`LabelledOptions`].

use std::time::Duration;

use mlops_core::{Error, Result, model::ModelId, observe::JoinLimits};
use serde::{Deserialize, Serialize};

use super::output::PredictedClass;
use crate::performance::Classes;

/// What a model predicts, and where its response says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Task {
    /// One of some classes.
    Classification {
        /// The classes, in the order of the output.
        classes: Classes,
        /// Which output has the prediction.
        predicted: PredictedClass,
    },
    /// A number.
    Regression {
        /// The name of the output.
        output: String,
    },
}

/// How a [`LabelledMonitor`](super::LabelledMonitor) reads, pairs and keeps.
///
/// Memory: the queue and the predictions that wait for their outcome take about 100 bytes each, their id
/// and, of more than two classes with probabilities, 8 bytes for each class; each pane is a
/// [`ClassificationMetrics`](crate::performance::ClassificationMetrics) or a
/// [`RegressionMetrics`](crate::performance::RegressionMetrics).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LabelledOptions {
    /// What the model predicts.
    pub task: Task,
    /// The model that readings are about.
    #[serde(default)]
    pub model: Option<ModelId>,
    /// How much time a pane covers; it begins at a multiple of this since the epoch.
    #[serde(default = "default_pane")]
    pub pane: Duration,
    /// How many panes are kept, those of the latest predictions.
    #[serde(default = "default_max_panes")]
    pub max_panes: usize,
    /// Predictions and outcomes that were observed and not yet collected; more are dropped.
    #[serde(default = "default_max_queued")]
    pub max_queued: usize,
    /// Predictions whose outcome may be out at once; the oldest gives way.
    #[serde(default = "default_max_pending")]
    pub max_pending: usize,
    /// How long an outcome is waited for.
    #[serde(default = "default_max_age")]
    pub max_age: Duration,
    /// The longest request id that is kept, in bytes; requests with longer ones are left out.
    #[serde(default = "default_max_id_bytes")]
    pub max_id_bytes: usize,
    /// A reading of fewer rows than this has no value.
    #[serde(default = "default_min_rows")]
    pub min_rows: u64,
}

fn default_pane() -> Duration {
    Duration::from_secs(3600)
}

fn default_max_panes() -> usize {
    48
}

fn default_max_queued() -> usize {
    16_384
}

fn default_max_pending() -> usize {
    100_000
}

fn default_max_age() -> Duration {
    Duration::from_secs(7 * 24 * 3600)
}

fn default_max_id_bytes() -> usize {
    128
}

fn default_min_rows() -> u64 {
    30
}

impl LabelledOptions {
    /// For this task: panes of an hour, of which the last 48 are kept; 16 384 observations in the queue,
    /// 100 000 predictions that wait for an outcome, for up to seven days; ids of up to 128 bytes; readings
    /// from 30 rows on.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self {
            task,
            model: None,
            pane: default_pane(),
            max_panes: default_max_panes(),
            max_queued: default_max_queued(),
            max_pending: default_max_pending(),
            max_age: default_max_age(),
            max_id_bytes: default_max_id_bytes(),
            min_rows: default_min_rows(),
        }
    }

    /// Sets [`model`](Self::model).
    #[must_use]
    pub fn with_model(mut self, model: ModelId) -> Self {
        self.model = Some(model);
        self
    }

    /// Sets [`pane`](Self::pane) and [`max_panes`](Self::max_panes).
    #[must_use]
    pub fn with_panes(mut self, max_panes: usize, pane: Duration) -> Self {
        (self.max_panes, self.pane) = (max_panes, pane);
        self
    }

    /// Sets [`max_queued`](Self::max_queued).
    #[must_use]
    pub fn with_max_queued(mut self, max_queued: usize) -> Self {
        self.max_queued = max_queued;
        self
    }

    /// Sets [`max_pending`](Self::max_pending) and [`max_age`](Self::max_age).
    #[must_use]
    pub fn with_pending(mut self, JoinLimits { max_pending, max_age }: JoinLimits) -> Self {
        (self.max_pending, self.max_age) = (max_pending, max_age);
        self
    }

    /// Sets [`max_id_bytes`](Self::max_id_bytes).
    #[must_use]
    pub fn with_max_id_bytes(mut self, max_id_bytes: usize) -> Self {
        self.max_id_bytes = max_id_bytes;
        self
    }

    /// Sets [`min_rows`](Self::min_rows).
    #[must_use]
    pub fn with_min_rows(mut self, min_rows: u64) -> Self {
        self.min_rows = min_rows;
        self
    }

    /// The most that a queue is made for: its room is taken when it is made.
    const MAX_QUEUED: usize = 1 << 24;

    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("labelled options", reason));
        if self.pane < Duration::from_millis(1) || self.pane > Duration::from_secs(1 << 32) {
            return invalid(format!("`pane` is {:?}", self.pane));
        }
        if self.max_queued > Self::MAX_QUEUED {
            return invalid(format!("`max_queued` is over {}", Self::MAX_QUEUED));
        }
        for (name, limit) in [
            ("max_panes", self.max_panes),
            ("max_queued", self.max_queued),
            ("max_pending", self.max_pending),
            ("max_id_bytes", self.max_id_bytes),
        ] {
            if limit == 0 {
                return invalid(format!("`{name}` is 0"));
            }
        }
        let Task::Classification { classes, predicted } = &self.task else {
            return Ok(());
        };
        if let PredictedClass::Probability { threshold, .. } = predicted {
            if classes.len() != 2 {
                return invalid(format!(
                    "one probability says nothing of {} classes",
                    classes.len()
                ));
            }
            if !(0.0..=1.0).contains(threshold) {
                return invalid(format!("`threshold`, {threshold}, is not in [0, 1]"));
            }
        }
        Ok(())
    }
}

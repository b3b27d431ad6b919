//! [`Alert`]: something a person or a policy should act on.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{model::ModelId, timestamp::Timestamp};

/// A finding: a feature drifted, a metric fell, latency rose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// What kind of finding it is, in a word that rules match on, such as `feature_drift`.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it begins or ends.
    pub state: AlertState,
    /// One sentence for people: what, how much, compared with what.
    pub summary: String,
    /// The model it is about.
    pub model: Option<ModelId>,
    /// What else tells alerts apart, such as `feature = age`. Alerts of the same kind, model and
    /// labels are one alert that changes state.
    pub labels: BTreeMap<String, String>,
    /// The figure that was judged.
    pub value: Option<f64>,
    /// The figure it was judged against.
    pub threshold: Option<f64>,
    /// When it was found.
    pub time: Timestamp,
}

/// How bad an [`Alert`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Someone should look today.
    Warning,
    /// Someone or something must act now.
    Critical,
}

/// Whether an [`Alert`] begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It holds.
    Firing,
    /// It no longer holds.
    Resolved,
}

/// Takes alerts: a log, a channel, a webhook, a retraining policy.
///
/// # Contract
/// As for [`PredictionObserver`](crate::observe::PredictionObserver): it MUST return at once, MUST
/// NOT panic, and does I/O through a bounded queue of its own whose losses it counts.
pub trait AlertSink: Debug + Send + Sync + 'static {
    /// Takes one alert.
    fn raise(&self, alert: &Alert);
}

#[deny(clippy::missing_trait_methods)]
impl<S: AlertSink + ?Sized> AlertSink for Arc<S> {
    fn raise(&self, alert: &Alert) {
        (**self).raise(alert);
    }
}

const _: Option<&dyn AlertSink> = None;

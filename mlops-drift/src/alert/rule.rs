//! [`AlertRule`]: which figures become which alerts.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    group::Group,
    thresholds::{Bad, Thresholds},
    tracker::{Notice, TrackerOptions},
};

/// Members of a group that a summary names.
const NAMED: usize = 5;

/// Which figures become which alerts: "the 99th percentile of latency is above 200 ms for five minutes".
///
/// ```
/// use std::time::Duration;
/// use mlops_drift::alert::{AlertRule, Bad, Thresholds, TrackerOptions};
///
/// # fn main() -> mlops_core::Result<()> {
/// let thresholds = Thresholds::new(Bad::Above, 0.2)?.with_critical(1.0)?.with_clear(0.15)?;
/// let rule = AlertRule::new("latency_p99", thresholds)
///     .with_tracker(TrackerOptions::default().with_hold(Duration::from_secs(300)))
///     .with_unit("s");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AlertRule {
    /// The kind of figure that it is about, which becomes the kind of the alert.
    pub kind: String,
    /// When a figure is bad.
    pub thresholds: Thresholds,
    /// When bad figures are an alert.
    #[serde(default)]
    pub tracker: TrackerOptions,
    /// What is told as one alert.
    #[serde(default)]
    pub grouping: Grouping,
    /// The unit of the figure, for people.
    #[serde(default)]
    pub unit: String,
}

/// What is told as one alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// Each figure by itself.
    #[default]
    Each,
    /// All figures of a model: it begins with the first, and ends with the last. A fault upstream often
    /// moves many features at once, and is one thing to look at.
    Model,
}

impl AlertRule {
    /// A rule for figures of this kind; the first bad one is an alert, the first good one ends it.
    pub fn new(kind: impl Into<String>, thresholds: Thresholds) -> Self {
        Self {
            kind: kind.into(),
            thresholds,
            tracker: TrackerOptions::default(),
            grouping: Grouping::Each,
            unit: String::new(),
        }
    }

    /// Sets when bad figures are an alert.
    #[must_use]
    pub fn with_tracker(mut self, tracker: TrackerOptions) -> Self {
        self.tracker = tracker;
        self
    }

    /// Sets what is told as one alert.
    #[must_use]
    pub fn with_grouping(mut self, grouping: Grouping) -> Self {
        self.grouping = grouping;
        self
    }

    /// Sets the unit of the figure, for people.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// One sentence for people.
    pub(super) fn summary(&self, notice: Notice, value: f64, group: &Group) -> String {
        let Self { kind, unit, thresholds, .. } = self;
        let (space, side) = (
            if unit.is_empty() { "" } else { " " },
            match thresholds.bad() {
                Bad::Above => "above",
                Bad::Below => "below",
            },
        );
        let severity = match notice {
            Notice::Began(severity) | Notice::Worsened(severity) | Notice::Lasts(severity) => {
                severity
            }
            Notice::Ended(_) => return format!("`{kind}` is good again: {value}{space}{unit}"),
        };
        let level = thresholds.level(severity);
        let mut text = format!("`{kind}` is {value}{space}{unit}, {side} {level}{space}{unit}");
        if group.len() > 1 {
            let mut bad: Vec<_> = group.bad().collect();
            bad.sort_by(|(_, a), (_, b)| match thresholds.bad() {
                Bad::Above => b.total_cmp(a),
                Bad::Below => a.total_cmp(b),
            });
            let named = bad.iter().take(NAMED).map(|(labels, value)| {
                let labels: Vec<_> = labels.values().map(String::as_str).collect();
                format!("{} {value}", labels.join("/"))
            });
            let named: Vec<_> = named.collect();
            let more = if bad.len() > NAMED { ", …" } else { "" };
            text += &format!("; {} of {}: {}{more}", bad.len(), group.len(), named.join(", "));
        }
        text
    }

    /// # Errors
    /// [`Error::InvalidArgument`] if it has no kind, or its options contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        if self.kind.is_empty() {
            return Err(Error::invalid("alert rule", "its kind is empty"));
        }
        self.tracker.check()
    }
}

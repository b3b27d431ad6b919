//! [`AlertMonitor`]: rules, the alerts there are, and whom to tell.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Error, Result,
    alert::{Alert, AlertSink, AlertState},
    model::ModelId,
    timestamp::Timestamp,
};

use super::{
    group::{Group, Labels},
    rule::{AlertRule, Grouping},
    tracker::Notice,
};

/// Figures that are watched at most: each has a tracker.
const MAX_FIGURES: usize = 100_000;

/// A figure to be judged.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// What it is, such as `latency_p99`: [`AlertRule::kind`] of the rules that judge it.
    pub kind: String,
    /// The model it is about.
    pub model: Option<ModelId>,
    /// What else tells figures of the kind apart, such as `feature = age`.
    pub labels: BTreeMap<String, String>,
    /// The figure. `None` where nothing can be said, because there is too little data or an error: then
    /// no alert begins or ends.
    pub value: Option<f64>,
}

impl Reading {
    /// A figure of this kind.
    pub fn new(kind: impl Into<String>, value: Option<f64>) -> Self {
        Self { kind: kind.into(), model: None, labels: BTreeMap::new(), value }
    }

    /// Says which model it is about.
    #[must_use]
    pub fn with_model(mut self, model: ModelId) -> Self {
        self.model = Some(model);
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }
}

/// Judges figures by rules and tells sinks of the alerts that begin, worsen, last and end.
///
/// It holds no clock and starts no thread: whoever has figures brings them, with their time. What is
/// watched is bounded: above 100 000 figures those of which nothing is wrong are forgotten.
#[derive(Debug)]
pub struct AlertMonitor {
    watched: Vec<Watched>,
    sinks: Vec<Arc<dyn AlertSink>>,
    /// Figures that are watched, over all rules, and how many may be.
    figures: usize,
    max_figures: usize,
}

/// A rule, and its alerts by what they are about.
#[derive(Debug)]
struct Watched {
    rule: AlertRule,
    groups: BTreeMap<Subject, Group>,
}

/// The model and, where each figure is told by itself, its labels.
type Subject = (Option<ModelId>, Labels);

impl AlertMonitor {
    /// # Errors
    /// [`Error::InvalidArgument`] if a rule contradicts itself.
    pub fn new(rules: Vec<AlertRule>, sinks: Vec<Arc<dyn AlertSink>>) -> Result<Self> {
        rules.iter().try_for_each(AlertRule::check)?;
        let watched = |rule| Watched { rule, groups: BTreeMap::new() };
        let watched = rules.into_iter().map(watched).collect();
        Ok(Self { watched, sinks, figures: 0, max_figures: MAX_FIGURES })
    }

    /// Judges a figure by every rule of its kind. A figure of which nothing can be said changes nothing.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if it is a new one and too many are watched already, of each of which
    /// something is wrong. It is not judged then.
    pub fn observe(&mut self, reading: &Reading, now: Timestamp) -> Result<()> {
        let Some(value) = reading.value.filter(|value| !value.is_nan()) else {
            return Ok(());
        };
        for index in 0..self.watched.len() {
            if self.watched[index].rule.kind != reading.kind {
                continue;
            }
            if !self.watched[index].knows(reading) {
                self.make_room()?;
                self.figures += 1;
            }
            if let Some(alert) = self.watched[index].observe(reading, value, now)? {
                self.sinks.iter().for_each(|sink| sink.raise(&alert));
            }
        }
        Ok(())
    }

    /// Somebody knows of the alerts of this kind and model: while they last they are not told again,
    /// unless they become worse.
    pub fn acknowledge(&mut self, kind: &str, model: Option<&ModelId>) {
        for watched in self.watched.iter_mut().filter(|watched| watched.rule.kind == kind) {
            watched.of(model).for_each(|(_, group)| group.acknowledge());
        }
    }

    /// What is normal for this kind and model was learned anew: its alerts end, without a figure that
    /// says so.
    pub fn reset(&mut self, kind: &str, model: Option<&ModelId>, now: Timestamp) {
        for watched in self.watched.iter_mut().filter(|watched| watched.rule.kind == kind) {
            let ended: Vec<_> = watched
                .of(model)
                .filter_map(|(subject, group)| Some((subject.clone(), group.reset(now)?)))
                .collect();
            for (subject, notice) in ended {
                let summary = format!("`{kind}` was learned anew");
                let alert = alert(&watched.rule, &subject, notice, (None, summary), now);
                self.sinks.iter().for_each(|sink| sink.raise(&alert));
            }
        }
    }

    /// Forgets what is good if there is no room for one more.
    fn make_room(&mut self) -> Result<()> {
        if self.figures < self.max_figures {
            return Ok(());
        }
        for watched in &mut self.watched {
            watched.groups.retain(|_, group| group.forget_good());
        }
        let groups = self.watched.iter().flat_map(|watched| watched.groups.values());
        self.figures = groups.map(Group::len).sum();
        if self.figures < self.max_figures {
            return Ok(());
        }
        let limit = self.max_figures as u64;
        Err(Error::Overloaded { what: "alert monitor (figures)", limit, retry_after: None })
    }
}

impl Watched {
    fn subject(&self, reading: &Reading) -> Subject {
        let labels = match self.rule.grouping {
            Grouping::Each => reading.labels.clone(),
            Grouping::Model => Labels::new(),
        };
        (reading.model.clone(), labels)
    }

    fn knows(&self, reading: &Reading) -> bool {
        let group = self.groups.get(&self.subject(reading));
        group.is_some_and(|group| group.has(&reading.labels))
    }

    fn observe(&mut self, reading: &Reading, value: f64, now: Timestamp) -> Result<Option<Alert>> {
        let subject = self.subject(reading);
        let judged = (value, self.rule.thresholds.judge(value));
        let group = self.groups.entry(subject.clone()).or_default();
        let notice = group.update(&reading.labels, &self.rule.tracker, judged, now)?;
        Ok(notice.map(|notice| {
            let worst = group.worst(self.rule.thresholds.bad()).unwrap_or(value);
            let summary = self.rule.summary(notice, worst, group);
            alert(&self.rule, &subject, notice, (Some(worst), summary), now)
        }))
    }

    /// The alerts of a model.
    fn of(&mut self, model: Option<&ModelId>) -> impl Iterator<Item = (&Subject, &mut Group)> {
        self.groups.iter_mut().filter(move |((of, _), _)| of.as_ref() == model)
    }
}

fn alert(
    rule: &AlertRule,
    (model, labels): &Subject,
    notice: Notice,
    (value, summary): (Option<f64>, String),
    time: Timestamp,
) -> Alert {
    let (state, severity) = match notice {
        Notice::Began(severity) | Notice::Worsened(severity) | Notice::Lasts(severity) => {
            (AlertState::Firing, severity)
        }
        Notice::Ended(severity) => (AlertState::Resolved, severity),
    };
    Alert {
        kind: rule.kind.clone(),
        severity,
        state,
        summary,
        model: model.clone(),
        labels: labels.clone(),
        value,
        threshold: Some(rule.thresholds.level(severity)),
        time,
    }
}

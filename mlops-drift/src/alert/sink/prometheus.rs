//! [`AlertMetrics`]: figures and alerts in the caller's `prometheus_client` registry.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mlops_core::{
    alert::{Alert, AlertSink, AlertState, Severity},
    model::ModelId,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use super::own_labels::own_labels;
use crate::alert::Reading;

/// Series that are kept at most, of figures and of alerts each.
const MAX_SERIES: usize = 10_000;

/// Figures and alerts as metrics. Clones share them.
///
/// | metric | labels | |
/// | --- | --- | --- |
/// | `mlops_monitor_value` | kind, model, version, those of the [`Reading`] | the figure as it was last; none where nothing can be said |
/// | `mlops_alert_firing` | kind, severity, model, version, those of the [`Alert`] | 1 while the alert holds, none before and after |
/// | `mlops_alerts_total` | kind, severity | alerts that began, or became as bad as this |
/// | `mlops_monitor_series_left_out_total` | | figures and alerts for which there was no room |
///
/// What is about no model has no labels `model` and `version`. A label of a figure that is called like one of
/// these, or that Prometheus does not allow, is written with `_` in front of it or in place of what is not
/// allowed. A figure is a gauge under [`publish`](Self::publish); an alert arrives as it does at any
/// [`AlertSink`].
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::alert::{AlertMetrics, AlertMonitor, AlertRule, Bad, Reading, Thresholds};
/// use prometheus_client::{encoding::text::encode, registry::Registry};
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut registry = Registry::default();
/// let metrics = AlertMetrics::register(&mut registry);
/// let rules = vec![AlertRule::new("drift", Thresholds::new(Bad::Above, 0.1)?)];
/// let mut alerts = AlertMonitor::new(rules, vec![Arc::new(metrics.clone())])?;
///
/// let reading = Reading::new("drift", Some(0.2)).with_label("feature", "age");
/// metrics.publish(&reading);
/// alerts.observe(&reading, Timestamp::EPOCH)?;
///
/// let mut text = String::new();
/// # let written =
/// encode(&mut text, &registry);
/// # assert!(written.is_ok());
/// assert!(text.contains(r#"mlops_monitor_value{kind="drift",feature="age"} 0.2"#));
/// assert!(text.contains(r#"mlops_alert_firing{kind="drift",severity="warning",feature="age"} 1"#));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AlertMetrics {
    series: Arc<Mutex<Series>>,
}

/// Names and values of labels, in the order in which they are written.
type Labels = Vec<(String, String)>;
/// What a figure or an alert is about: its kind, its model, and its own labels.
type Subject = (String, Option<ModelId>, BTreeMap<String, String>);

#[derive(Debug)]
struct Series {
    figures: BTreeMap<Subject, f64>,
    firing: BTreeMap<Subject, Severity>,
    begun: BTreeMap<(String, Severity), u64>,
    left_out: u64,
    max: usize,
}

impl AlertMetrics {
    /// Adds the metrics to a registry, with at most 10 000 series of figures and as many of alerts. Once a
    /// registry: a second time would repeat their names.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        Self::register_bounded(registry, MAX_SERIES)
    }

    /// As [`register`](Self::register), with at most `max_series` of each. A new figure or alert beyond that is
    /// left out and counted.
    #[must_use]
    pub fn register_bounded(registry: &mut Registry, max_series: usize) -> Self {
        let series = Arc::new(Mutex::new(Series {
            figures: BTreeMap::new(),
            firing: BTreeMap::new(),
            begun: BTreeMap::new(),
            left_out: 0,
            max: max_series,
        }));
        registry.register_collector(Box::new(AlertCollector(Arc::clone(&series))));
        Self { series }
    }

    /// Shows a figure, in place of what it was before. One of which nothing can be said is not shown: an old
    /// value would look like a new one.
    pub fn publish(&self, reading: &Reading) {
        let Reading { kind, model, labels, value } = reading;
        let subject = (kind.clone(), model.clone(), labels.clone());
        let series = &mut *self.lock();
        match value.filter(|value| !value.is_nan()) {
            Some(value) => {
                let has_room = series.figures.len() < series.max;
                let is_kept = insert(&mut series.figures, subject, value, has_room);
                series.left_out += u64::from(!is_kept);
            }
            None => {
                series.figures.remove(&subject);
            }
        }
    }

    /// Drops the figures and alerts of a version that is gone for good.
    pub fn forget(&self, model: &ModelId) {
        let series = &mut *self.lock();
        series.figures.retain(|(_, of, _), _| of.as_ref() != Some(model));
        series.firing.retain(|(_, of, _), _| of.as_ref() != Some(model));
    }

    /// Figures and alerts for which there was no room.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.lock().left_out
    }

    /// Nothing that is done under the lock panics halfway.
    fn lock(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AlertSink for AlertMetrics {
    fn raise(&self, alert: &Alert) {
        let subject = (alert.kind.clone(), alert.model.clone(), alert.labels.clone());
        let series = &mut *self.lock();
        if alert.state == AlertState::Resolved {
            series.firing.remove(&subject);
            return;
        }
        // One that lasts is told again, and is no new one.
        if series.firing.get(&subject) == Some(&alert.severity) {
            return;
        }
        let has_room = series.firing.len() < series.max;
        let is_kept = insert(&mut series.firing, subject, alert.severity, has_room);
        series.left_out += u64::from(!is_kept);
        let begun = (alert.kind.clone(), alert.severity);
        let has_room = series.begun.len() < series.max;
        let total = series.begun.get(&begun).copied().unwrap_or(0);
        insert(&mut series.begun, begun, total + 1, has_room);
    }
}

/// Inserts a value in place of one that is there, or if there is room; says whether it is there now.
fn insert<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V, has_room: bool) -> bool {
    let is_kept = has_room || map.contains_key(&key);
    if is_kept {
        map.insert(key, value);
    }
    is_kept
}

/// Writes the series when metrics are read.
#[derive(Debug)]
struct AlertCollector(Arc<Mutex<Series>>);

impl Collector for AlertCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // A copy, so that nobody who raises an alert waits until it is written.
        let (figures, firing, begun, left_out) = {
            let series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Series { figures, firing, begun, left_out, .. } = &*series;
            (figures.clone(), firing.clone(), begun.clone(), *left_out)
        };
        // A head without values is no metric.
        if !figures.is_empty() {
            let help = "A monitored figure, as it was last";
            let mut family =
                encoder.encode_descriptor("mlops_monitor_value", help, None, MetricType::Gauge)?;
            for (subject, value) in &figures {
                let labels = labels(subject, None);
                ConstGauge::new(*value).encode(family.encode_family(&labels)?)?;
            }
        }
        if !firing.is_empty() {
            let help = "1 while an alert holds";
            let mut family =
                encoder.encode_descriptor("mlops_alert_firing", help, None, MetricType::Gauge)?;
            for (subject, severity) in &firing {
                let labels = labels(subject, Some(*severity));
                ConstGauge::new(1_i64).encode(family.encode_family(&labels)?)?;
            }
        }
        if !begun.is_empty() {
            let help = "Alerts that began, or became as bad as this";
            let mut family =
                encoder.encode_descriptor("mlops_alerts", help, None, MetricType::Counter)?;
            for ((kind, severity), total) in &begun {
                let labels = [("kind", kind.as_str()), ("severity", name(*severity))];
                ConstCounter::new(*total).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Figures and alerts for which there was no room";
        let counter = ConstCounter::new(left_out);
        let metric = "mlops_monitor_series_left_out";
        counter.encode(encoder.encode_descriptor(metric, help, None, MetricType::Counter)?)
    }
}

fn labels((kind, model, own): &Subject, severity: Option<Severity>) -> Labels {
    let mut labels = vec![("kind".to_owned(), kind.clone())];
    labels.extend(severity.map(|severity| ("severity".to_owned(), name(severity).to_owned())));
    if let Some(model) = model {
        labels.push(("model".to_owned(), model.name.to_string()));
        labels.push(("version".to_owned(), model.version.to_string()));
    }
    labels.extend(own_labels(own));
    labels
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

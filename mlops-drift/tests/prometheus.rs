//! Figures and alerts as metrics.
#![cfg(feature = "prometheus")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use mlops_core::{model::ModelId, timestamp::Timestamp};
use mlops_drift::alert::{AlertMetrics, AlertMonitor, AlertRule, Bad, Reading, Thresholds};
use prometheus_client::{encoding::text::encode, registry::Registry};

fn model(version: u64) -> ModelId {
    ModelId::new("m".parse().unwrap(), version.to_string().parse().unwrap())
}

/// The lines without comments, in order.
fn lines(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn left_out(count: u64) -> String {
    format!("mlops_monitor_series_left_out_total {count}")
}

#[test]
fn figures_are_gauges_as_long_as_something_can_be_said() {
    let mut registry = Registry::default();
    let metrics = AlertMetrics::register(&mut registry);
    assert_eq!(lines(&registry), [left_out(0)]);
    let of = |value| Reading::new("drift", value).with_model(model(2)).with_label("feature", "age");
    metrics.publish(&of(Some(0.1)));
    metrics.publish(&of(Some(0.25)));
    metrics.publish(&Reading::new("rate", Some(f64::INFINITY)).with_label("a \"b\"", "x\"\n\\"));
    metrics.publish(&Reading::new("none", None));
    metrics.publish(&Reading::new("nan", Some(f64::NAN)));
    assert_eq!(
        lines(&registry),
        [
            r#"mlops_monitor_value{kind="drift",model="m",version="2",feature="age"} 0.25"#,
            r#"mlops_monitor_value{kind="rate",a__b_="x\"\n\\"} inf"#,
            &left_out(0),
        ]
    );
    metrics.publish(&of(None));
    assert_eq!(lines(&registry).len(), 2);
}

#[test]
fn alerts_are_gauges_as_long_as_they_hold() {
    let mut registry = Registry::default();
    let metrics = AlertMetrics::register(&mut registry);
    let thresholds = Thresholds::new(Bad::Above, 0.1).unwrap().with_critical(0.5).unwrap();
    let rules = vec![AlertRule::new("drift", thresholds)];
    let mut monitor = AlertMonitor::new(rules, vec![Arc::new(metrics)]).unwrap();
    let mut observe = |value| {
        let reading = Reading::new("drift", Some(value)).with_model(model(1));
        monitor.observe(&reading.with_label("severity", "x"), Timestamp::EPOCH).unwrap();
        let mut lines = lines(&registry);
        lines.pop();
        lines
    };
    let firing = |severity: &str| {
        format!(
            "mlops_alert_firing{{kind=\"drift\",severity=\"{severity}\",model=\"m\",version=\"1\",\
             _severity=\"x\"}} 1"
        )
    };
    let total = |severity: &str, count: u64| {
        format!("mlops_alerts_total{{kind=\"drift\",severity=\"{severity}\"}} {count}")
    };
    assert_eq!(observe(0.0), Vec::<String>::new());
    assert_eq!(observe(0.2), [firing("warning"), total("warning", 1)]);
    assert_eq!(observe(0.3), [firing("warning"), total("warning", 1)]);
    assert_eq!(observe(0.9), [firing("critical"), total("warning", 1), total("critical", 1)]);
    assert_eq!(observe(0.0), [total("warning", 1), total("critical", 1)]);
    assert_eq!(observe(0.2)[1], total("warning", 2));
}

#[test]
fn series_are_bounded_and_those_left_out_counted() {
    let mut registry = Registry::default();
    let metrics = AlertMetrics::register_bounded(&mut registry, 2);
    let rules = vec![AlertRule::new("drift", Thresholds::new(Bad::Above, 0.1).unwrap())];
    let sink = Arc::new(metrics.clone());
    let mut monitor = AlertMonitor::new(rules, vec![sink]).unwrap();
    for feature in ["a", "b", "c", "a"] {
        let reading = Reading::new("drift", Some(0.2)).with_model(model(1));
        let reading = reading.with_label("feature", feature);
        metrics.publish(&reading);
        monitor.observe(&reading, Timestamp::EPOCH).unwrap();
    }
    assert_eq!(metrics.left_out(), 2);
    let count = |name: &str| lines(&registry).iter().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("mlops_monitor_value"), count("mlops_alert_firing")), (2, 2));
    // A version that is gone makes room.
    metrics.forget(&model(1));
    assert_eq!((count("mlops_monitor_value"), count("mlops_alert_firing")), (0, 0));
    metrics.publish(&Reading::new("drift", Some(0.2)).with_label("feature", "c"));
    assert_eq!((count("mlops_monitor_value"), metrics.left_out()), (1, 2));
}

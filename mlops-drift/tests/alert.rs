//! Rules, groups, sinks and bounds of alerts. When one begins and ends is tested where it is decided, in
//! `alert/tracker.rs`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use mlops_core::{
    Error,
    alert::{
        Alert, AlertSink,
        AlertState::{self, Firing, Resolved},
        Severity::{self, Critical, Warning},
    },
    model::ModelId,
    timestamp::Timestamp,
};
use mlops_drift::alert::{
    AlertMonitor, AlertRule, Bad, ChannelSink, Grouping, LogSink, Reading, Thresholds,
    TrackerOptions,
};

fn model(version: u64) -> ModelId {
    ModelId::new("m".parse().unwrap(), version.to_string().parse().unwrap())
}

fn drift() -> AlertRule {
    let thresholds = Thresholds::new(Bad::Above, 0.1).unwrap();
    AlertRule::new("drift", thresholds.with_critical(0.5).unwrap().with_clear(0.05).unwrap())
}

fn monitor(rules: Vec<AlertRule>) -> (AlertMonitor, Receiver<Alert>) {
    let (sink, alerts) = ChannelSink::new(100);
    (AlertMonitor::new(rules, vec![Arc::new(sink)]).unwrap(), alerts)
}

fn at(second: u64) -> Timestamp {
    Timestamp::EPOCH.saturating_add(Duration::from_secs(second))
}

fn of(feature: &str, value: f64) -> Reading {
    Reading::new("drift", Some(value)).with_model(model(1)).with_label("feature", feature)
}

/// What was told: state, severity, value and summary.
fn told(alerts: &Receiver<Alert>) -> Vec<(AlertState, Severity, Option<f64>, String)> {
    let alerts = alerts.try_iter();
    alerts.map(|alert| (alert.state, alert.severity, alert.value, alert.summary)).collect()
}

#[test]
fn each_figure_is_an_alert_of_its_own() {
    let (mut monitor, alerts) = monitor(vec![drift().with_unit("JS")]);
    for (feature, value) in [("age", 0.2), ("city", 0.6), ("age", 0.07), ("age", 0.01)] {
        monitor.observe(&of(feature, value), at(0)).unwrap();
    }
    let told: Vec<_> = alerts.try_iter().collect();
    let figures =
        told.iter().map(|alert| (alert.state, alert.severity, alert.value, alert.threshold));
    assert_eq!(
        figures.collect::<Vec<_>>(),
        [
            (Firing, Warning, Some(0.2), Some(0.1)),
            (Firing, Critical, Some(0.6), Some(0.5)),
            (Resolved, Warning, Some(0.01), Some(0.1)),
        ]
    );
    assert_eq!(told[0].summary, "`drift` is 0.2 JS, above 0.1 JS");
    assert_eq!(told[2].summary, "`drift` is good again: 0.01 JS");
    assert_eq!((told[1].model.clone(), &*told[1].labels["feature"]), (Some(model(1)), "city"));
    assert_eq!((&*told[1].kind, told[1].time), ("drift", at(0)));
}

#[test]
fn a_group_begins_with_its_first_member_and_ends_with_its_last() {
    let (mut monitor, alerts) = monitor(vec![drift().with_grouping(Grouping::Model)]);
    for (feature, value) in
        [("age", 0.2), ("city", 0.3), ("size", 0.01), ("city", 0.6), ("age", 0.0), ("city", 0.0)]
    {
        monitor.observe(&of(feature, value), at(0)).unwrap();
    }
    let expected = [
        (Firing, Warning, Some(0.2), "`drift` is 0.2, above 0.1"),
        (Firing, Critical, Some(0.6), "`drift` is 0.6, above 0.5; 2 of 3: city 0.6, age 0.2"),
        (Resolved, Critical, Some(0.0), "`drift` is good again: 0"),
    ];
    assert_eq!(told(&alerts), expected.map(|(a, b, c, text)| (a, b, c, text.to_owned())));
    // Another model is another group.
    monitor.observe(&of("age", 0.2), at(1)).unwrap();
    monitor.observe(&of("age", 0.2).with_model(model(2)), at(1)).unwrap();
    assert_eq!(told(&alerts).len(), 2);
}

#[test]
fn a_group_reminds_once() {
    let tracker = TrackerOptions::default().with_repeat(Duration::from_secs(10));
    let rule = drift().with_grouping(Grouping::Model).with_tracker(tracker);
    let (mut monitor, alerts) = monitor(vec![rule]);
    for second in 0..=20 {
        for feature in ["age", "city", "size"] {
            monitor.observe(&of(feature, 0.2), at(second)).unwrap();
        }
    }
    // At 0, 10 and 20.
    assert_eq!(told(&alerts).len(), 3);
    monitor.acknowledge("drift", Some(&model(1)));
    monitor.acknowledge("drift", None);
    for second in 21..=50 {
        monitor.observe(&of("age", 0.2), at(second)).unwrap();
    }
    assert_eq!(told(&alerts).len(), 0);
}

#[test]
fn every_rule_of_a_kind_judges_and_no_other() {
    let strict = AlertRule::new("drift", Thresholds::new(Bad::Above, 0.01).unwrap());
    let other = AlertRule::new("accuracy", Thresholds::new(Bad::Above, 0.0).unwrap());
    let (mut monitor, alerts) = monitor(vec![drift(), strict, other]);
    monitor.observe(&of("age", 0.2), at(0)).unwrap();
    let levels: Vec<_> = alerts.try_iter().map(|alert| alert.threshold).collect();
    assert_eq!(levels, [Some(0.1), Some(0.01)]);
    monitor.observe(&Reading::new("unknown", Some(1e9)), at(0)).unwrap();
    assert!(told(&alerts).is_empty());
}

#[test]
fn what_nothing_can_be_said_of_begins_and_ends_nothing() {
    let (mut monitor, alerts) = monitor(vec![drift()]);
    let unknown = |value| {
        let mut reading = of("age", 0.0);
        reading.value = value;
        reading
    };
    for value in [None, Some(f64::NAN)] {
        monitor.observe(&unknown(value), at(0)).unwrap();
    }
    assert!(told(&alerts).is_empty());
    monitor.observe(&of("age", f64::INFINITY), at(1)).unwrap();
    for value in [None, Some(f64::NAN)] {
        monitor.observe(&unknown(value), at(2)).unwrap();
    }
    let told = told(&alerts);
    assert_eq!((told.len(), told[0].1, told[0].2), (1, Critical, Some(f64::INFINITY)));
}

#[test]
fn alerts_end_when_what_is_normal_was_learned_anew() {
    let (mut monitor, alerts) = monitor(vec![drift(), drift().with_grouping(Grouping::Model)]);
    for feature in ["age", "city"] {
        monitor.observe(&of(feature, 0.2), at(0)).unwrap();
    }
    assert_eq!(told(&alerts).len(), 3);
    monitor.reset("drift", Some(&model(2)), at(1));
    assert!(told(&alerts).is_empty());
    monitor.reset("drift", Some(&model(1)), at(1));
    let ended = told(&alerts);
    assert_eq!(ended.len(), 3);
    for (state, severity, value, summary) in ended {
        assert_eq!((state, severity, value), (Resolved, Warning, None));
        assert_eq!(summary, "`drift` was learned anew");
    }
    monitor.reset("drift", Some(&model(1)), at(2));
    assert!(told(&alerts).is_empty());
}

#[test]
fn figures_are_bounded_and_those_of_which_something_is_wrong_are_kept() {
    let (mut monitor, alerts) = monitor(vec![drift()]);
    monitor.observe(&of("bad", 0.2), at(0)).unwrap();
    for feature in 0..150_000 {
        monitor.observe(&of(&feature.to_string(), 0.0), at(0)).unwrap();
    }
    told(&alerts);
    monitor.observe(&of("bad", 0.0), at(1)).unwrap();
    assert_eq!(told(&alerts).len(), 1, "it was forgotten");

    let (sink, _alerts) = ChannelSink::new(1);
    let mut monitor = AlertMonitor::new(vec![drift()], vec![Arc::new(sink)]).unwrap();
    let refused = (0..100_001)
        .map(|feature| monitor.observe(&of(&feature.to_string(), 0.2), at(0)))
        .find_map(Result::err);
    assert!(matches!(refused, Some(Error::Overloaded { limit: 100_000, .. })), "{refused:?}");
}

#[test]
fn a_channel_that_is_full_or_closed_loses_alerts_and_counts_them() {
    let alert = || {
        let (mut monitor, alerts) = monitor(vec![drift()]);
        monitor.observe(&of("age", 0.2), at(0)).unwrap();
        alerts.recv().unwrap()
    };
    let (sink, receiver) = ChannelSink::new(2);
    (0..5).for_each(|_| sink.raise(&alert()));
    assert_eq!((sink.lost(), receiver.try_iter().count()), (3, 2));
    drop(receiver);
    sink.raise(&alert());
    assert_eq!(sink.lost(), 4);
    LogSink.raise(&alert());
}

#[test]
fn rules_are_read_from_json_and_refused_if_they_contradict_themselves() {
    let text = r#"{"kind":"latency_p99","thresholds":{"warning":0.2,"clear":0.15},
        "tracker":{"hold":{"secs":300,"nanos":0}},"grouping":"model","unit":"s"}"#;
    let rule: AlertRule = serde_json::from_str(text).unwrap();
    assert_eq!((rule.tracker.hold, rule.tracker.hits), (Duration::from_secs(300), 1));
    let nameless = AlertRule::new("", Thresholds::new(Bad::Above, 1.0).unwrap());
    let impossible = drift().with_tracker(TrackerOptions::default().with_hits(3, 2));
    for rule in [nameless, impossible] {
        let error = AlertMonitor::new(vec![rule], Vec::new()).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
    assert!(serde_json::from_str::<AlertRule>(r#"{"kind":"a"}"#).is_err());
}

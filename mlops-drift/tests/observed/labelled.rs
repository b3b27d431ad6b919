//! Predictions and their labels.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    alert::AlertState,
    ndarray::array,
    observe::{Interest, JoinLimits, OutcomeValue, PredictionObserver},
    stats::Alternative,
    tensor::{NamedTensors, Tensor},
};
use mlops_drift::{
    alert::{AlertMonitor, AlertRule, Bad, ChannelSink, Thresholds},
    online::{DdmOptions, PageHinkleyOptions},
    performance::{
        Classes, LabelledCounts, LabelledMonitor, LabelledOptions, LabelledSummary, PairsOf,
        PerformanceFigures, PerformanceMetrics, PredictedClass, Task, compare_shares,
    },
};

use crate::served::{Served, class, model, seconds, tell};

fn classes(predicted: PredictedClass) -> LabelledOptions {
    let classes = Classes::new(["cat", "dog"]).unwrap();
    LabelledOptions::new(Task::Classification { classes, predicted })
        .with_panes(3, Duration::from_secs(100))
        .with_pending(JoinLimits { max_pending: 1000, max_age: Duration::from_secs(1000) })
}

fn index() -> LabelledOptions {
    classes(PredictedClass::Index { output: "y".into() })
}

fn monitor(options: LabelledOptions) -> Arc<LabelledMonitor> {
    Arc::new(LabelledMonitor::new(options).unwrap())
}

fn cat() -> Tensor {
    Tensor::from_array(array![0_i64])
}

fn accuracy(metrics: &PerformanceMetrics) -> (u64, u64) {
    let PerformanceMetrics::Classification(metrics) = metrics else { panic!("{metrics:?}") };
    (metrics.confusion().right(), metrics.rows())
}

#[test]
fn labels_find_their_predictions() {
    let monitor = monitor(index());
    let served = Served::to(&monitor);
    assert_eq!(PredictionObserver::interest(&*monitor), Interest::Metadata);
    for (id, label) in [("a", "cat"), ("b", "dog"), ("c", "cat"), ("d", "bird")] {
        served.predict(id, seconds(10), cat());
        tell(&monitor, id, class(label));
    }
    assert_eq!(monitor.counts().pairs, 0);
    for window in [PairsOf::Overall, PairsOf::Last(Duration::from_secs(60))] {
        assert_eq!(monitor.metrics(window).unwrap().rows(), 0);
        assert!(monitor.readings(window).unwrap().iter().all(|reading| reading.value.is_none()));
    }
    assert_eq!(monitor.collect(seconds(20)), 8);
    assert_eq!(monitor.collect(seconds(20)), 0);
    assert_eq!(accuracy(&monitor.metrics(PairsOf::Overall).unwrap()), (2, 4));
    let summary = monitor.summary(0.95).unwrap();
    let PerformanceFigures::Classification(figures) = &summary.overall else { panic!() };
    assert_eq!((figures.accuracy.unwrap().value, figures.unknown.actual), (0.5, 1));
    assert_eq!(summary.counts.pairs, 4);
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<LabelledSummary>(&text).unwrap(), summary);
    monitor.summary(1.0).unwrap_err();
}

#[test]
fn labels_before_twice_never_and_late() {
    let monitor = monitor(index());
    let served = Served::to(&monitor);
    // Before its prediction: it finds nothing, and the prediction waits.
    tell(&monitor, "early", class("cat"));
    served.predict("early", seconds(0), cat());
    // Twice.
    served.predict("twice", seconds(0), cat());
    tell(&monitor, "twice", class("cat"));
    tell(&monitor, "twice", class("dog"));
    // Never, and of something that never was.
    served.predict("never", seconds(0), cat());
    tell(&monitor, "nothing", class("cat"));
    monitor.collect(seconds(1));
    let counts = monitor.counts();
    assert_eq!((counts.pairs, counts.unmatched, counts.pending), (1, 3, 2));
    // In time, and beyond the bound.
    served.predict("in time", seconds(500), cat());
    tell(&monitor, "in time", class("cat"));
    tell(&monitor, "early", class("cat"));
    monitor.collect(seconds(1001));
    let counts = monitor.counts();
    assert_eq!((counts.pairs, counts.unmatched, counts.expired, counts.pending), (2, 4, 2, 0));
    assert_eq!(accuracy(&monitor.metrics(PairsOf::Overall).unwrap()), (2, 2));
}

#[test]
fn a_second_prediction_of_an_id_is_the_one_that_counts() {
    let monitor = monitor(index());
    let served = Served::to(&monitor);
    served.predict("a", seconds(0), cat());
    served.predict("a", seconds(1), Tensor::from_array(array![1_i64]));
    tell(&monitor, "a", class("dog"));
    monitor.collect(seconds(2));
    assert_eq!(accuracy(&monitor.metrics(PairsOf::Overall).unwrap()), (1, 1));
}

#[test]
fn memory_is_bounded_and_what_is_dropped_is_counted() {
    let pending = JoinLimits { max_pending: 10, max_age: Duration::from_secs(1000) };
    let monitor = monitor(index().with_max_queued(50).with_pending(pending));
    let served = Served::to(&monitor);
    for n in 0..200 {
        served.predict(&n.to_string(), seconds(0), cat());
    }
    for n in 0..30 {
        tell(&monitor, &n.to_string(), class("cat"));
    }
    let counts = monitor.counts();
    assert_eq!((counts.dropped_predictions, counts.dropped_outcomes), (150, 30));
    assert_eq!(monitor.collect(seconds(1)), 50);
    let counts = monitor.counts();
    assert_eq!((counts.pending, counts.expired), (10, 40));
    // There is room again.
    tell(&monitor, "49", class("cat"));
    tell(&monitor, "0", class("cat"));
    monitor.collect(seconds(1));
    let counts = monitor.counts();
    assert_eq!((counts.pairs, counts.unmatched, counts.pending), (1, 1, 9));
    // Every prediction is somewhere.
    assert_eq!(counts.dropped_predictions + counts.expired + counts.pending + counts.pairs, 200);
}

#[test]
fn what_is_no_prediction_is_counted_apart() {
    let monitor = monitor(index().with_max_id_bytes(8));
    let served = Served::to(&monitor);
    let answer = |id, answer| served.answer(id, seconds(0), Duration::ZERO, answer);
    answer(Some("a"), Err(Error::Closed { what: "model" }));
    answer(None, Ok(NamedTensors::single("y", cat())));
    served.predict("a long id", seconds(0), cat());
    served.predict("rows", seconds(0), Tensor::from_array(array![0_i64, 1]));
    served.predict("nan", seconds(0), Tensor::from_array(array![f64::NAN]));
    answer(Some("other"), Ok(NamedTensors::single("z", cat())));
    tell(&monitor, "a", OutcomeValue::Number(1.0));
    tell(&monitor, "a long id", class("cat"));
    assert_eq!(monitor.collect(seconds(1)), 0);
    let counts = monitor.counts();
    let expected = r#"{"failed":1,"without_id":1,"long_ids":2,"several_rows":1,"unreadable":2,"unusable":1,
        "dropped_predictions":0,"dropped_outcomes":0,"pending":0,"expired":0,"unmatched":0,"refused":0,
        "pairs":0,"before_panes":0}"#;
    assert_eq!(counts, serde_json::from_str::<LabelledCounts>(expected).unwrap());
}

#[test]
fn panes_go_by_the_time_of_the_prediction() {
    let monitor = monitor(index());
    let served = Served::to(&monitor);
    // In any order: the pane is that of the prediction; three are kept.
    for (id, at) in [("a", 450), ("b", 10), ("c", 320), ("d", 150), ("e", 210), ("f", 499)] {
        served.predict(id, seconds(at), cat());
        tell(&monitor, id, class("cat"));
    }
    monitor.collect(seconds(500));
    let summary = monitor.summary(0.95).unwrap();
    let panes: Vec<_> = summary.panes.iter().map(|pane| (pane.start, pane.rows)).collect();
    // The first pane, 0, gave way to 100, which gave way to 200.
    assert_eq!(panes, [(seconds(200), 1), (seconds(300), 1), (seconds(400), 2)]);
    assert_eq!((summary.counts.pairs, summary.counts.before_panes), (6, 0));
    let rows = |window| monitor.metrics(window).unwrap().rows();
    assert_eq!(rows(PairsOf::Overall), 6);
    assert_eq!(rows(PairsOf::Last(Duration::from_secs(50))), 2);
    assert_eq!(rows(PairsOf::Last(Duration::from_secs(101))), 3);
    assert_eq!(rows(PairsOf::Last(Duration::from_secs(1000))), 4);
    // A late one, and one of the future, which counts as now.
    for (id, at) in [("late", 20), ("future", 9_999)] {
        served.predict(id, seconds(at), cat());
        tell(&monitor, id, class("cat"));
    }
    monitor.collect(seconds(550));
    let summary = monitor.summary(0.95).unwrap();
    assert_eq!((summary.counts.pairs, summary.counts.before_panes), (8, 1));
    let starts: Vec<_> = summary.panes.iter().map(|pane| pane.start).collect();
    assert_eq!(starts, [seconds(300), seconds(400), seconds(500)]);
    assert_eq!(rows(PairsOf::Last(Duration::MAX)), 4);
}

/// A clock that is wrong for a moment, by years, gives up what waits, and nothing else.
#[test]
fn a_clock_that_jumps_does_no_lasting_harm() {
    let monitor = monitor(index());
    let served = Served::to(&monitor);
    let right = |at: i64, id: &str| {
        served.predict(id, seconds(at), cat());
        tell(&monitor, id, class("cat"));
    };
    right(10, "a");
    served.predict("waits", seconds(10), cat());
    monitor.collect(seconds(20));
    right(4_000_000_000, "b");
    monitor.collect(seconds(4_000_000_000));
    tell(&monitor, "waits", class("cat"));
    right(120, "c");
    right(-250, "before the epoch");
    monitor.collect(seconds(130));
    let counts = monitor.counts();
    assert_eq!((counts.pairs, counts.expired, counts.unmatched, counts.before_panes), (4, 1, 1, 1));
    assert_eq!(monitor.metrics(PairsOf::Last(Duration::from_secs(10))).unwrap().rows(), 2);
    let starts: Vec<_> =
        monitor.summary(0.95).unwrap().panes.iter().map(|pane| pane.start).collect();
    assert_eq!(starts, [seconds(0), seconds(100), seconds(4_000_000_000)]);
}

#[test]
fn probabilities_give_losses_and_areas_and_bad_ones_are_refused() {
    let options = classes(PredictedClass::Probabilities { output: "y".into() });
    let monitor = monitor(options.with_min_rows(4).with_model(model()));
    let served = Served::to(&monitor);
    for (id, p, label) in
        [("a", 0.9, "dog"), ("b", 0.2, "cat"), ("c", 0.6, "cat"), ("d", 0.7, "dog")]
    {
        served.predict(id, seconds(0), Tensor::from_array(array![[1.0 - p, p]]));
        tell(&monitor, id, class(label));
    }
    served.predict("e", seconds(0), Tensor::from_array(array![[3.0, -2.0]]));
    tell(&monitor, "e", class("cat"));
    monitor.collect(seconds(1));
    assert_eq!((monitor.counts().pairs, monitor.counts().refused), (4, 1));
    let readings = monitor.readings(PairsOf::Last(Duration::from_secs(10))).unwrap();
    let value = |kind: &str, class: Option<&str>| {
        let found = readings.iter().find(|reading| {
            reading.kind == kind && reading.labels.get("class").map(String::as_str) == class
        });
        let found = found.unwrap();
        assert_eq!(found.model, Some(model()));
        found.value
    };
    assert_eq!(value("accuracy", None), Some(0.75));
    assert_eq!(value("roc_auc", None), Some(1.0));
    // Of a class there are too few.
    assert_eq!(value("recall", Some("cat")), None);
    assert!(
        value("log_loss", None).is_some() && value("expected_calibration_error", None).is_some()
    );
    assert_eq!(readings.len(), 13 + 2 * 4);
}

/// Too few rows are no reason to alert, nor to end an alert.
#[test]
fn readings_are_for_an_alert_monitor() {
    let monitor = monitor(index().with_min_rows(10).with_model(model()));
    let served = Served::to(&monitor);
    let (sink, alerts) = ChannelSink::new(10);
    let rule = AlertRule::new("accuracy", Thresholds::new(Bad::Below, 0.8).unwrap());
    let mut alert_monitor = AlertMonitor::new(vec![rule], vec![Arc::new(sink)]).unwrap();
    let mut states = Vec::new();
    for (time, rows, label) in [(0, 9, "dog"), (100, 20, "dog"), (200, 5, "cat"), (300, 20, "cat")]
    {
        for n in 0..rows {
            let id = format!("{time} {n}");
            served.predict(&id, seconds(time), cat());
            tell(&monitor, &id, class(label));
        }
        let now = seconds(time + 99);
        monitor.collect(now);
        for reading in monitor.readings(PairsOf::Last(Duration::from_secs(50))).unwrap() {
            alert_monitor.observe(&reading, now).unwrap();
        }
        states.push(alerts.try_iter().map(|alert| alert.state).collect::<Vec<_>>());
    }
    assert_eq!(states, [vec![], vec![AlertState::Firing], vec![], vec![AlertState::Resolved]]);
}

#[test]
fn readings_of_a_class_have_rows_of_their_own() {
    let monitor = monitor(index().with_min_rows(3));
    let served = Served::to(&monitor);
    for (id, label) in [("a", "cat"), ("b", "cat"), ("c", "cat"), ("d", "dog")] {
        served.predict(id, seconds(0), cat());
        tell(&monitor, id, class(label));
    }
    monitor.collect(seconds(1));
    let readings = monitor.readings(PairsOf::Overall).unwrap();
    let of = |kind: &str| {
        let readings = readings.iter().filter(|reading| reading.kind == kind);
        readings.map(|reading| reading.value).collect::<Vec<_>>()
    };
    assert_eq!(of("precision"), [Some(0.75), None]);
    assert_eq!(of("recall"), [Some(1.0), None]);
    assert_eq!(of("specificity"), [None, Some(1.0)]);
    assert_eq!(of("f1"), [Some(6.0 / 7.0), None]);
}

#[test]
fn a_detector_finds_a_concept_that_changes() {
    let detector = DdmOptions::default().build().unwrap();
    let monitor = LabelledMonitor::new(index()).unwrap().with_detector(detector);
    let monitor = Arc::new(monitor);
    let served = Served::to(&monitor);
    let mut changes = Vec::new();
    for n in 0..600_i64 {
        let id = n.to_string();
        // One in ten is wrong; from 300 on, one in two.
        let wrong = if n < 300 { n % 10 == 0 } else { n % 2 == 0 };
        served.predict(&id, seconds(n), cat());
        tell(&monitor, &id, class(if wrong { "dog" } else { "cat" }));
        monitor.collect(seconds(n));
        changes.push(monitor.summary(0.95).unwrap().concept_drift.unwrap().changes);
    }
    assert_eq!(changes[299], 0);
    assert!(changes[400] >= 1, "{changes:?}");
    let drift = monitor.summary(0.95).unwrap().concept_drift.unwrap();
    assert!(drift.last_change.unwrap() > seconds(300), "{drift:?}");
    let reading = |window| monitor.readings(window).unwrap().pop().unwrap();
    assert_eq!(reading(PairsOf::Overall).kind, "concept_drift");
    assert_eq!(reading(PairsOf::Overall).value, Some(1.0));
    assert_eq!(reading(PairsOf::Last(Duration::from_secs(1))).value, Some(0.0));
}

#[test]
fn regressions() {
    let options = LabelledOptions::new(Task::Regression { output: "y".into() }).with_min_rows(2);
    let detector = PageHinkleyOptions::default().build().unwrap();
    let monitor = Arc::new(LabelledMonitor::new(options).unwrap().with_detector(detector));
    let served = Served::to(&monitor);
    for (id, predicted, actual) in
        [("a", 2.5, 3.0), ("b", 0.0, -0.5), ("c", 2.0, 2.0), ("d", 8.0, 7.0)]
    {
        served.predict(id, seconds(0), Tensor::from_array(array![[predicted as f32]]));
        tell(&monitor, id, OutcomeValue::Number(actual));
    }
    tell(&monitor, "d", OutcomeValue::Number(f64::NAN));
    tell(&monitor, "d", class("cat"));
    tell(&monitor, "d", OutcomeValue::Correct(true));
    monitor.collect(seconds(1));
    assert_eq!((monitor.counts().pairs, monitor.counts().unusable), (4, 3));
    let PerformanceFigures::Regression(figures) =
        monitor.metrics(PairsOf::Overall).unwrap().figures(0.95).unwrap()
    else {
        panic!()
    };
    let error = figures.mean_absolute_error.unwrap();
    // scipy.stats.t.interval(0.95, 3, 0.5, 0.2041241452319315), not below 0.
    assert_eq!((error.value, error.interval.low), (0.5, 0.0));
    assert!((error.interval.high - 1.149_614_131_812_555_5).abs() < 1e-9, "{error:?}");
    assert!((figures.r_squared.unwrap() - 0.948_608_137_044_967_9).abs() < 1e-12);
    let kinds: Vec<_> = monitor
        .readings(PairsOf::Overall)
        .unwrap()
        .into_iter()
        .map(|reading| reading.kind)
        .collect();
    assert_eq!(
        kinds,
        ["bias", "mean_absolute_error", "root_mean_squared_error", "r_squared", "concept_drift"]
    );
}

#[test]
fn right_or_wrong_is_enough() {
    let two = monitor(index());
    let served = Served::to(&two);
    for (id, correct) in [("a", true), ("b", false), ("c", false)] {
        served.predict(id, seconds(0), cat());
        tell(&two, id, OutcomeValue::Correct(correct));
    }
    two.collect(seconds(1));
    let PerformanceMetrics::Classification(metrics) = two.metrics(PairsOf::Overall).unwrap() else {
        panic!()
    };
    // Of two classes, what is no cat is a dog.
    assert_eq!(metrics.confusion().iter().collect::<Vec<_>>(), [[1, 0], [2, 0]]);
    let classes = Classes::new(["cat", "dog", "cow"]).unwrap();
    let predicted = PredictedClass::Index { output: "y".into() };
    let three = monitor(LabelledOptions::new(Task::Classification { classes, predicted }));
    let served = Served::to(&three);
    for (id, correct) in [("a", true), ("b", false)] {
        served.predict(id, seconds(0), cat());
        tell(&three, id, OutcomeValue::Correct(correct));
    }
    three.collect(seconds(1));
    assert_eq!(accuracy(&three.metrics(PairsOf::Overall).unwrap()), (1, 2));
}

#[test]
fn current_metrics_are_compared_with_a_reference() {
    let of = |wrong: u64| {
        let monitor =
            monitor(classes(PredictedClass::Probability { output: "y".into(), threshold: 0.5 }));
        let served = Served::to(&monitor);
        for n in 0..200_u64 {
            let id = n.to_string();
            let is_dog = n % 2 == 0;
            let p = if is_dog == (n >= wrong) { 0.8 } else { 0.3 };
            served.predict(&id, seconds(0), Tensor::from_array(array![p]));
            tell(&monitor, &id, class(if is_dog { "dog" } else { "cat" }));
        }
        monitor.collect(seconds(1));
        monitor.metrics(PairsOf::Overall).unwrap()
    };
    let (reference, current) = (of(10), of(60));
    let found = current.compare(&reference, 0.95).unwrap();
    assert_eq!((found.reference_rows, found.current_rows, found.confidence), (200, 200, 0.95));
    let figures: Vec<_> = found.figures.iter().map(|found| found.figure.as_str()).collect();
    assert_eq!(figures, ["accuracy", "log_loss", "brier_score", "roc_auc"]);
    assert!(found.figures.iter().all(|found| found.adjusted_p_value < 1e-6), "{found:?}");
    assert!(found.figures.iter().all(|found| found.is_worse), "{found:?}");
    let largest = found.figures.iter().map(|found| found.difference.p_value).fold(0.0, f64::max);
    let adjusted = found.figures.iter().map(|found| found.adjusted_p_value);
    assert!(adjusted.fold(0.0, f64::max) >= largest, "{found:?}");
    let PerformanceMetrics::Classification(ours) = &current else { panic!() };
    let PerformanceMetrics::Classification(theirs) = &reference else { panic!() };
    let (ours, theirs) = (ours.accuracy().unwrap(), theirs.accuracy().unwrap());
    let expected = compare_shares(&theirs, &ours, Alternative::Less, 0.95).unwrap();
    let accuracy = &found.figures[0];
    assert_eq!(accuracy.difference, expected);
    assert_eq!((accuracy.reference, accuracy.current), (theirs.estimate(), ours.estimate()));
    // The other way about nothing is worse.
    let found = reference.compare(&current, 0.95).unwrap();
    assert!(found.figures.iter().all(|found| found.difference.p_value > 0.999), "{found:?}");
    assert!(found.figures.iter().all(|found| !found.is_worse), "{found:?}");
    // Nothing to compare with, and something else altogether.
    let nothing =
        monitor(classes(PredictedClass::Probability { output: "y".into(), threshold: 0.5 }));
    let nothing = nothing.metrics(PairsOf::Overall).unwrap();
    let unknown = current.compare(&nothing, 0.95).unwrap();
    assert_eq!((unknown.current_rows, unknown.reference_rows), (200, 0));
    assert_eq!(unknown.figures, []);
    let other = monitor(LabelledOptions::new(Task::Regression { output: "y".into() }));
    let mut other = other.metrics(PairsOf::Overall).unwrap();
    for error in
        [current.compare(&other, 0.95).map(|_| ()).unwrap_err(), other.merge(&current).unwrap_err()]
    {
        assert!(error.to_string().contains("another task"), "{error}");
    }
    current.compare(&reference, 0.0).unwrap_err();
}

#[test]
fn options_are_checked_and_stored() {
    let options = index().with_model(model());
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<LabelledOptions>(&text).unwrap(), options);
    let short = r#"{"task":{"regression":{"output":"y"}}}"#;
    let regression = LabelledOptions::new(Task::Regression { output: "y".into() });
    assert_eq!(serde_json::from_str::<LabelledOptions>(short).unwrap(), regression);
    let probability = |threshold| PredictedClass::Probability { output: "y".into(), threshold };
    let three = Classes::new(["a", "b", "c"]).unwrap();
    let three = Task::Classification { classes: three, predicted: probability(0.5) };
    for (options, named) in [
        (index().with_panes(0, Duration::from_secs(1)), "`max_panes` is 0"),
        (index().with_panes(1, Duration::ZERO), "`pane` is 0"),
        (index().with_panes(1, Duration::MAX), "`pane` is"),
        (index().with_max_queued(0), "`max_queued` is 0"),
        (index().with_max_queued(usize::MAX), "`max_queued` is over"),
        (index().with_max_id_bytes(0), "`max_id_bytes` is 0"),
        (
            index().with_pending(JoinLimits { max_pending: 0, max_age: Duration::ZERO }),
            "`max_pending` is 0",
        ),
        (classes(probability(f64::NAN)), "`threshold`, NaN"),
        (LabelledOptions::new(three), "nothing of 3 classes"),
    ] {
        let error = LabelledMonitor::new(options).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

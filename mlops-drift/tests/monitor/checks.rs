//! What the monitor says of what it has counted.

use mlops_core::random::{RandomKey, RandomStream};
use mlops_drift::{alert::AlertMonitor, compare::Verdict, monitor::mean_shift_rule};

use super::*;

/// About a standard normal value.
fn normal(stream: &mut RandomStream) -> f64 {
    (0..12).map(|_| stream.next_unit()).sum::<f64>() - 6.0
}

/// A reference of a number about 10 and a category, of so many rows.
fn trained(stream: &mut RandomStream, rows: usize) -> Profile {
    let values: Vec<f64> = (0..rows).map(|_| 10.0 + normal(stream)).collect();
    let plans: Vec<&str> = (0..rows).map(|row| ["free", "free", "pro"][row % 3]).collect();
    fit(&[("value", Column::numeric(&values)), ("plan", Column::categorical(&plans))])
}

fn monitor(reference: &Profile) -> Monitor {
    Monitor::new(reference, FeatureMap::nowhere(reference), &minute()).unwrap()
}

/// Rows of a minute, whose value is so much larger than the reference's.
fn minute_of(monitor: &Monitor, stream: &mut RandomStream, start: i64, rows: i64, shift: f64) {
    for row in 0..rows {
        let at = Timestamp::from_micros(start * 1_000_000 + row * 60_000_000 / rows);
        let plan = Value::Category(["free", "free", "pro"][(row % 3) as usize]);
        monitor.observe_row(&[Value::Number(10.0 + shift + normal(stream)), plan], at).unwrap();
    }
}

#[test]
fn windows_are_compared_with_the_reference() {
    let mut stream = RandomKey::from_seed(1).stream(0);
    let monitor = monitor(&trained(&mut stream, 5000));
    minute_of(&monitor, &mut stream, 0, 2000, 0.0);
    minute_of(&monitor, &mut stream, 60, 2000, 1.5);
    minute_of(&monitor, &mut stream, 120, 5, 1.5);
    let checked = monitor.check(second(400)).unwrap();
    let verdicts: Vec<_> = checked.iter().map(|checked| checked.comparison.verdict).collect();
    let none = Verdict::Insufficient;
    assert_eq!(verdicts, [Verdict::NoDrift, Verdict::Drift, none, none, none]);
    let drifted = &checked[1].comparison;
    assert_eq!(drifted.feature("value").unwrap().verdict, Verdict::Drift);
    assert_eq!(drifted.feature("plan").unwrap().verdict, Verdict::NoDrift);

    // The readings are what rules judge: the mean has moved by 15 %.
    let figure = |window: usize, kind: &str| {
        let readings = checked[window].readings.iter();
        readings.clone().find(|it| it.kind == kind).unwrap().value
    };
    assert!(figure(0, "mean_shift").unwrap() < 0.02);
    assert!((figure(1, "mean_shift").unwrap() - 0.15).abs() < 0.02);
    assert_eq!(figure(3, "mean_shift"), None);
    assert!(figure(1, "feature_drift").unwrap() > 1.0);
    let (sink, told) = mlops_drift::alert::ChannelSink::new(10);
    let mut alerts =
        AlertMonitor::new(vec![mean_shift_rule().unwrap()], vec![Arc::new(sink)]).unwrap();
    for window in &checked {
        for reading in &window.readings {
            alerts.observe(reading, window.window.end()).unwrap();
        }
    }
    // Once, while it lasts.
    let alert = told.try_recv().unwrap();
    assert_eq!(
        (&*alert.kind, alert.time, &*alert.labels["feature"]),
        ("mean_shift", second(120), "value")
    );
    assert!(told.try_recv().is_err());
}

#[test]
fn failures_are_a_feature_like_others() {
    let monitor = watched();
    let (inputs, outputs) = (
        tensors([("x", f32s(&[[0.1, 0.2]])), ("city", strings(&[b"Bern"]))]),
        tensors([("y", f32s(&[[0.1, 0.7, 0.2]]))]),
    );
    for row in 0..2000 {
        let result =
            if row % 3 == 0 { Err(Error::Closed { what: "model" }) } else { Ok(outputs.clone()) };
        observe(&monitor, &inputs, result, second(10));
    }
    let checked = monitor.check(second(180)).unwrap();
    let comparison = &checked[0].comparison;
    // The reference has four rows: nothing can be said, and nothing breaks.
    assert!(comparison.features.iter().all(|feature| feature.verdict != Verdict::Error));
    assert_eq!(comparison.feature("error").unwrap().current.rows, 2000);
    assert_eq!(comparison.feature("y[2]").unwrap().current.rows, 1333);
}

#[test]
fn looking_all_the_time_finds_a_change_and_nothing_else() {
    let mut stream = RandomKey::from_seed(2).stream(0);
    let reference = trained(&mut stream, 5000);
    let monitor = monitor(&reference);
    assert_eq!(monitor.look().unwrap().verdict, Verdict::Insufficient);
    for start in 0..60 {
        minute_of(&monitor, &mut stream, start * 60, 200, 0.0);
        monitor.collect(second(start * 60 + 60));
        let look = monitor.look().unwrap();
        assert_ne!(look.verdict, Verdict::Drift, "{:?}", look.features);
        assert!(look.readings().iter().all(|it| it.value.is_none_or(|figure| figure == 0.0)));
    }
    assert_eq!(monitor.since_start().rows(), 12_000);
    monitor.reset();
    assert_eq!(monitor.since_start().rows(), 0);
    let found = (60..100).find(|start| {
        minute_of(&monitor, &mut stream, start * 60, 200, 1.0);
        monitor.collect(second(start * 60 + 60));
        monitor.look().unwrap().verdict == Verdict::Drift
    });
    assert!(found.is_some_and(|start| start < 65), "{found:?}");
    let look = monitor.look().unwrap();
    let verdicts: Vec<_> = look.features.iter().map(|it| (&*it.name, it.verdict)).collect();
    assert_eq!(verdicts[0], ("value", Verdict::Drift));
    assert_ne!(verdicts[1].1, Verdict::Drift);
    assert!(look.readings()[0].value.unwrap() >= 1.0);
}

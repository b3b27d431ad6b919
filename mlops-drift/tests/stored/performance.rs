//! Metrics, and what estimates are made with.

use mlops_core::{random::RandomKey, stats::mean::Summary, timestamp::Timestamp};
use mlops_drift::{
    performance::{
        Cbpe, Classes, ClassificationMetrics, Degradation, DegradationOptions, Dle, Features,
        Isotonic, LossProfile, MulticlassCbpe, PerformanceMetrics, RegressionMetrics,
        ServiceObserver, ServiceStats, SliceOptions, SliceTestOptions, Slicer,
    },
    profile::{Column, Origin, Profile, ProfileOptions, Value},
};
use serde_json::json;

use crate::damage::{refused, survives};

fn units(seed: u64, count: usize) -> Vec<f64> {
    let mut random = RandomKey::from_seed(seed).stream(0);
    (0..count).map(|_| random.next_unit()).collect()
}

#[test]
fn metrics_of_regressions_work() {
    let mut metrics = RegressionMetrics::default();
    for (predicted, actual) in units(1, 40).iter().zip(units(2, 40)) {
        metrics.observe(*predicted, actual).unwrap();
    }
    survives(&metrics, |mut read| {
        read.observe(0.5, 0.25).unwrap();
        read.merge(&metrics);
        let (now, then) =
            (PerformanceMetrics::Regression(read), PerformanceMetrics::Regression(metrics));
        (now.figures(0.9).unwrap(), now.compare(&then, 0.9).ok())
    });
    refused(
        &metrics,
        &[
            ("/rows", json!(0)),
            ("/sum", json!(1e9)),
            ("/sum_sizes", json!(-1.0)),
            ("/sum_squares", json!(-1.0)),
            ("/sum_fourths", json!(-1.0)),
        ],
    );
}

#[test]
fn metrics_of_classifiers_work() {
    for names in [&["a", "b"][..], &["a", "b", "c"]] {
        let classes = Classes::new(names.iter().copied()).unwrap();
        let mut metrics = ClassificationMetrics::new(classes).with_probabilities();
        let rest = 0.2 / (names.len() - 1) as f64;
        for row in 0..40 {
            let mut probabilities = vec![rest; names.len()];
            probabilities[row % 2] = 0.8;
            let actual = (row % 5) % names.len();
            metrics.observe_probabilities(row % 2, &probabilities, Some(actual)).unwrap();
        }
        survives(&metrics, |mut read| {
            // Of other classes, if those were damaged.
            let merged = read.merge(&metrics).is_ok();
            (merged, read.figures(0.9).unwrap())
        });
        refused(
            &metrics,
            &[
                ("/probabilities/log_loss/variance", json!(-1.0)),
                ("/probabilities/brier_score/count", json!(99)),
                ("/probabilities/calibration/11/right", json!(99)),
                ("/probabilities/calibration/11/sum", json!(-5.0)),
            ],
        );
    }
}

#[test]
fn figures_of_services_work() {
    let observer = ServiceObserver::new(Timestamp::EPOCH);
    let mut written =
        serde_json::to_value(observer.take(Timestamp::from_micros(60_000_000))).unwrap();
    for (name, count) in [("failed", 3), ("rows", 40), ("sum", 40 * 30_000)] {
        written[name] = json!(count);
    }
    written["sum_squares"] = json!(40 * 30_000_u64.pow(2));
    written["latency"][0] = json!(20);
    written["latency"][1112] = json!(40);
    let stats: ServiceStats = serde_json::from_value(written).unwrap();
    let options = DegradationOptions::default();
    survives(&stats, |mut read| {
        let found = Degradation::of(&stats, &read, &options).ok();
        read.merge(&stats);
        (found, Degradation::of(&read, &stats, &options).ok())
    });
}

#[test]
fn curves_rise_and_do_not_overflow() {
    let curve = Isotonic::fit(&units(1, 30), &units(2, 30)).unwrap();
    survives(&curve, |curve| [-1.0, 0.0, 0.3, 0.5, 9.0].map(|x| curve.at(x)));
    let widest = Isotonic::fit(&[f64::MIN, f64::MAX], &[0.0, 1.0]).unwrap();
    let found = [f64::MIN, -1e308, 0.0, 1e308, f64::MAX].map(|x| widest.at(x));
    assert!(found.is_sorted() && found[0] == 0.0 && found[4] == 1.0, "{found:?}");
    assert!((found[2] - 0.5).abs() < 1e-12, "{found:?}");
}

#[test]
fn estimates_from_scores_work() {
    let scores = units(1, 100);
    let outcomes: Vec<bool> = scores.iter().zip(units(2, 100)).map(|(s, u)| u < *s).collect();
    let cbpe = Cbpe::fit(&scores, &outcomes).unwrap();
    survives(&cbpe, |cbpe| {
        (cbpe.estimate(&scores, &outcomes).ok(), cbpe.check(&scores, &outcomes).ok())
    });
    refused(
        &cbpe,
        &[
            ("/calibration/y/0", json!(-0.5)),
            ("/options/alpha", json!(2.0)),
            ("/options/invalid_outside", json!(0.001)),
            ("/reference_rows", json!(0)),
        ],
    );
    let scores: Vec<f64> = units(3, 300);
    let outcomes: Vec<usize> = (0..100).map(|row| row % 3).collect();
    let cbpe = MulticlassCbpe::fit(3, &scores, &outcomes).unwrap();
    survives(&cbpe, |cbpe| {
        (cbpe.estimate(&scores, &outcomes).ok(), cbpe.check(&scores, &outcomes).ok())
    });
    refused(
        &cbpe,
        &[
            ("/calibrations", json!([])),
            ("/calibrations/0/y/0", json!(-0.5)),
            ("/options/alpha", json!(2.0)),
        ],
    );
}

#[test]
fn estimates_from_features_work() {
    let (values, predicted, actual) = (units(1, 120), units(2, 60), units(3, 60));
    let features = Features::new(&values, 2).unwrap();
    let dle: Dle = Dle::fit(features, &predicted, &actual, &Default::default()).unwrap();
    survives(&dle, |dle| {
        let check = dle.check(features, &predicted, &actual);
        (dle.estimate(features, &predicted).ok(), check.ok())
    });
    refused(
        &dle,
        &[
            ("/ranges", json!([])),
            ("/ranges/0", json!([1.0, 0.0])),
            ("/size/mean/means", json!([0.0])),
            ("/size/without", json!([])),
            ("/options/alpha", json!(2.0)),
        ],
    );
}

fn profile() -> Profile {
    let (ages, plans) = (units(1, 80), ["free", "pro", "free", "team"].repeat(20));
    let columns = [("age", Column::numeric(&ages)), ("plan", Column::categorical(&plans))];
    let origin = Origin::new("test", Timestamp::EPOCH);
    Profile::fit(&columns, origin, &ProfileOptions::default().with_bins(6)).unwrap()
}

fn row(n: usize, age: f64) -> [Value<'static>; 2] {
    [Value::Number(age), Value::Category(["free", "pro", "team"][n % 3])]
}

#[test]
fn losses_of_slices_work() {
    let slicer = Slicer::new(&profile(), &SliceOptions::default()).unwrap();
    let mut losses = slicer.losses();
    for (n, age) in units(4, 90).into_iter().enumerate() {
        losses.observe(&row(n, age), age * age).unwrap();
    }
    let options = SliceTestOptions::default().with_min_rows(2);
    survives(&losses, |mut read| {
        let report = read.compare(&losses, &options).ok();
        (report, read.merge(&losses).is_ok(), read.observe(&row(0, 0.5), 0.1).is_ok())
    });
    refused(
        &losses,
        &[
            ("/all/count", json!(1)),
            ("/all/variance", json!(-1.0)),
            ("/segments/0/count", json!(1000)),
            ("/all/mean", json!(1e300)),
        ],
    );
}

#[test]
fn losses_of_features_work() {
    let reference = profile();
    let mut losses = LossProfile::new(&reference).unwrap();
    for (n, age) in units(4, 90).into_iter().enumerate() {
        losses.observe(&row(n, age), age * age).unwrap();
    }
    let current = Summary { count: 50, mean: 0.5, variance: 0.1 };
    survives(&losses, |mut read| {
        let causes = read.root_causes(&reference, Some(&current)).ok();
        (causes, read.merge(&losses).is_ok(), read.observe(&row(0, 0.5), 0.1).is_ok())
    });
    refused(
        &losses,
        &[
            ("/all/count", json!(1)),
            ("/features/0/losses/1/variance", json!(-1.0)),
            ("/features/1/losses/0/count", json!(1000)),
        ],
    );
}

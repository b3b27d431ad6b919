//! Service figures beside a baseline.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    alert::Severity,
    ndarray::array,
    observe::{Interest, PredictionObserver},
    tensor::{NamedTensors, Tensor},
};
use mlops_drift::{
    alert::{AlertMonitor, Bad, ChannelSink, Thresholds},
    performance::{
        ConfidenceFrom, Degradation, DegradationOptions, ServiceFigure, ServiceObserver,
        ServiceStats, ServiceVerdict,
    },
};

use crate::served::{Served, model, seconds};

fn observer() -> Arc<ServiceObserver> {
    let from = ConfidenceFrom::Probabilities { output: "y".into() };
    Arc::new(ServiceObserver::new(seconds(0)).with_confidence(from))
}

/// A service that takes so long, is so sure, and fails so many times in a hundred.
fn stats(requests: u32, millis: f64, confidence: f64, failures: u32) -> ServiceStats {
    let observer = observer();
    let served = Served::to(&observer);
    for n in 0..requests {
        // Latencies from half to one and a half as long.
        let took = millis * (0.5 + f64::from(n * 7919 % 1000) / 1000.0);
        let took = Duration::from_secs_f64(took / 1000.0);
        if n % 100 < failures {
            served.answer(None, seconds(0), took, Err(Error::Closed { what: "model" }));
        } else {
            let p = confidence + 0.05 * (f64::from(n % 11) / 5.0 - 1.0);
            let answer = NamedTensors::single("y", Tensor::from_array(array![[p, 1.0 - p]]));
            served.answer(None, seconds(0), took, Ok(answer));
        }
    }
    observer.take(seconds(100))
}

fn verdicts(
    baseline: &ServiceStats,
    current: &ServiceStats,
) -> Vec<(ServiceFigure, ServiceVerdict)> {
    let found = Degradation::of(baseline, current, &DegradationOptions::default()).unwrap();
    found.figures.iter().map(|change| (change.figure, change.verdict)).collect()
}

#[test]
fn levels_and_evidence_make_the_verdict() {
    use ServiceFigure::{Confidence, ErrorRate, LatencyP50, LatencyP95, LatencyP99};
    let baseline = stats(5000, 100.0, 0.8, 1);
    let of = |p50, p95, p99, errors, confidence| {
        vec![
            (LatencyP50, p50),
            (LatencyP95, p95),
            (LatencyP99, p99),
            (ErrorRate, errors),
            (Confidence, confidence),
        ]
    };
    use ServiceVerdict::{Critical, Insufficient, Ok, Warning};
    for (current, expected) in [
        (stats(2000, 100.0, 0.8, 1), of(Ok, Ok, Ok, Ok, Ok)),
        (stats(2000, 110.0, 0.79, 1), of(Ok, Ok, Ok, Ok, Ok)),
        (stats(2000, 130.0, 0.75, 4), of(Warning, Warning, Warning, Warning, Warning)),
        (stats(2000, 160.0, 0.70, 8), of(Critical, Critical, Critical, Critical, Critical)),
        (stats(2000, 50.0, 0.9, 0), of(Ok, Ok, Ok, Ok, Ok)),
        // Ten requests say nothing, however slow.
        (
            stats(10, 500.0, 0.6, 0),
            of(Insufficient, Insufficient, Insufficient, Insufficient, Insufficient),
        ),
        (
            stats(0, 1.0, 0.6, 0),
            of(Insufficient, Insufficient, Insufficient, Insufficient, Insufficient),
        ),
    ] {
        assert_eq!(verdicts(&baseline, &current), expected, "{current:?}");
    }
    // Two of fifty failed: five points more, which may be chance.
    let few = verdicts(&stats(100, 100.0, 0.8, 0), &stats(50, 100.0, 0.8, 2));
    assert_eq!(few, of(Ok, Ok, Ok, Insufficient, Ok));
    let found = Degradation::of(&baseline, &baseline, &DegradationOptions::default()).unwrap();
    assert_eq!(found.verdict(), ServiceVerdict::Ok);
}

#[test]
fn figures_are_those_of_the_requests() {
    let stats = stats(1000, 100.0, 0.8, 2);
    assert_eq!((stats.answered(), stats.failed), (980, 20));
    assert_eq!(stats.error_rate().unwrap().estimate(), 0.02);
    assert_eq!(stats.throughput(), Some(9.8));
    let confidence = stats.confidence().unwrap();
    assert_eq!(confidence.count, 980);
    assert!((confidence.mean - 0.8).abs() < 1e-3, "{confidence:?}");
    // Eleven steps of 0.02 each have the variance 0.02² · 10.
    assert!((confidence.variance / (0.0004 * 10.0 / 4.0) - 1.0).abs() < 0.02, "{confidence:?}");
    let median = stats.latency.quantile(0.5).unwrap().unwrap();
    assert!((median - 0.1).abs() < 0.003, "{median}");
    let text = serde_json::to_string(&stats).unwrap();
    assert_eq!(serde_json::from_str::<ServiceStats>(&text).unwrap(), stats);
    let nothing = ServiceStats::default();
    assert_eq!(
        (nothing.throughput(), nothing.error_rate(), nothing.confidence()),
        (None, None, None)
    );
}

#[test]
fn faults_of_the_caller_are_no_errors_of_the_service() {
    let observer = observer();
    assert_eq!(observer.interest(), Interest::Metadata);
    let served = Served::to(&observer);
    for error in [
        Error::Cancelled,
        Error::invalid("request", "it is empty"),
        Error::Closed { what: "model" },
        Error::DeadlineExceeded { elapsed: Duration::ZERO },
    ] {
        served.answer(None, seconds(0), Duration::ZERO, Err(error));
    }
    let stats = observer.take(seconds(1));
    assert_eq!((stats.cancelled, stats.invalid, stats.failed, stats.answered()), (1, 1, 2, 0));
    assert_eq!(stats.error_rate().unwrap().estimate(), 1.0);
}

#[test]
fn every_row_of_a_batch_has_a_confidence_and_what_is_none_is_counted() {
    let observer = observer();
    let served = Served::to(&observer);
    let answer = |tensor| {
        served.answer(None, seconds(0), Duration::ZERO, Ok(NamedTensors::single("y", tensor)));
    };
    answer(Tensor::from_array(array![[0.5_f32, 0.25, 0.25], [0.0, 1.0, 0.0]]));
    answer(Tensor::from_array(array![[0.5_f32, f32::NAN]]));
    answer(Tensor::from_array(array![[2.0_f32, -1.0]]));
    answer(Tensor::from_strings(&[1], vec![b"cat".to_vec().into()]).unwrap());
    served.answer(None, seconds(0), Duration::ZERO, Ok(NamedTensors::new()));
    let stats = observer.take(seconds(1));
    assert_eq!((stats.answered(), stats.unreadable), (5, 4));
    let confidence = stats.confidence().unwrap();
    assert_eq!((confidence.count, confidence.mean, confidence.variance), (2, 0.75, 0.125));
    let from = ConfidenceFrom::Probability { output: "y".into() };
    let single = Arc::new(ServiceObserver::new(seconds(0)).with_confidence(from));
    let answer = NamedTensors::single("y", Tensor::from_array(array![0.25_f64, 0.75]));
    Served::to(&single).answer(None, seconds(0), Duration::ZERO, Ok(answer));
    let confidence = single.take(seconds(1)).confidence().unwrap();
    assert_eq!((confidence.count, confidence.mean, confidence.variance), (2, 0.75, 0.0));
}

#[test]
fn parts_merge_into_the_whole_and_each_request_is_in_one() {
    let observer = observer();
    let served = Served::to(&observer);
    let answer = |n: u32| {
        let p = 0.5 + f64::from(n % 50) / 100.0;
        let tensors = NamedTensors::single("y", Tensor::from_array(array![[p, 1.0 - p]]));
        served.answer(None, seconds(0), Duration::from_millis(n.into()), Ok(tensors));
    };
    let whole = {
        (0..300).for_each(answer);
        observer.take(seconds(30))
    };
    (0..100).for_each(answer);
    let mut merged = observer.take(seconds(40));
    (100..300).for_each(answer);
    merged.merge(&observer.take(seconds(60)));
    assert_eq!(merged, whole);
    assert_eq!(observer.take(seconds(60)), ServiceStats::default());
    // A clock that goes back gives no time, and no throughput.
    answer(1);
    let back = observer.take(seconds(10));
    assert_eq!((back.answered(), back.throughput()), (1, None));
}

#[test]
fn each_request_of_many_threads_is_in_one_part() {
    let observer = observer();
    let mut sum = ServiceStats::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let served = Served::to(&observer);
                    for n in 0..1000 {
                        let tensor = Tensor::from_array(array![[0.75, 0.25]]);
                        let answer = Ok(NamedTensors::single("y", tensor));
                        let answer = if n % 4 == 0 { Err(Error::Cancelled) } else { answer };
                        served.answer(None, seconds(0), Duration::from_millis(3), answer);
                    }
                })
            })
            .collect();
        while !threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            sum.merge(&observer.take(seconds(0)));
        }
    });
    sum.merge(&observer.take(seconds(0)));
    assert_eq!((sum.answered(), sum.cancelled), (2250, 750));
    let confidence = sum.confidence().unwrap();
    assert_eq!((confidence.count, confidence.mean, confidence.variance), (2250, 0.75, 0.0));
}

#[test]
fn throughput_is_judged_if_asked() {
    let levels = Thresholds::new(Bad::Below, -0.3).unwrap().with_critical(-0.6).unwrap();
    let options =
        DegradationOptions::default().with_levels(ServiceFigure::Throughput, Some(levels));
    let baseline = stats(1000, 1.0, 0.8, 0);
    let verdict = |current: &ServiceStats| {
        let found = Degradation::of(&baseline, current, &options).unwrap();
        let change = found.figures.last().copied().unwrap();
        assert_eq!(change.figure, ServiceFigure::Throughput);
        change.verdict
    };
    assert_eq!(verdict(&stats(900, 1.0, 0.8, 0)), ServiceVerdict::Ok);
    assert_eq!(verdict(&stats(600, 1.0, 0.8, 0)), ServiceVerdict::Warning);
    // That nothing comes at all is evident.
    assert_eq!(verdict(&stats(0, 1.0, 0.8, 0)), ServiceVerdict::Critical);
    // scipy.stats.binom.cdf(600, 1600, 0.5).
    let found = Degradation::of(&baseline, &stats(600, 1.0, 0.8, 0), &options).unwrap();
    let p = found.figures.last().unwrap().p_value.unwrap();
    assert!((p / 5.778_483_754_164_127e-24 - 1.0).abs() < 1e-6, "{p}");
}

#[test]
fn changes_are_readings_that_the_rules_judge() {
    let options = DegradationOptions::default();
    let (sink, alerts) = ChannelSink::new(10);
    let mut monitor = AlertMonitor::new(options.rules(), vec![Arc::new(sink)]).unwrap();
    let baseline = stats(5000, 100.0, 0.8, 1);
    let mut judge = |current: &ServiceStats| {
        let found = Degradation::of(&baseline, current, &options).unwrap();
        for reading in found.readings(Some(&model())) {
            assert_eq!(reading.model, Some(model()));
            monitor.observe(&reading, seconds(0)).unwrap();
        }
        alerts.try_iter().map(|alert| (alert.kind, alert.severity)).collect::<Vec<_>>()
    };
    assert_eq!(judge(&stats(10, 500.0, 0.8, 1)), []);
    let found = judge(&stats(2000, 130.0, 0.7, 1));
    let latency = |p: &str| (format!("latency_{p}_change"), Severity::Warning);
    assert_eq!(
        found,
        [
            latency("p50"),
            latency("p95"),
            latency("p99"),
            ("confidence_change".into(), Severity::Critical)
        ]
    );
}

#[test]
fn options_are_checked_and_stored() {
    let options = DegradationOptions::default().with_alpha(0.01).with_min_requests(100);
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<DegradationOptions>(&text).unwrap(), options);
    let default: DegradationOptions = serde_json::from_str("{}").unwrap();
    assert_eq!(default, DegradationOptions::default());
    assert_eq!(default.rules().len(), 5);
    assert_eq!(ServiceFigure::LatencyP95.to_string(), "latency_p95");
    let better = Thresholds::new(Bad::Above, -0.1).unwrap();
    let other = Thresholds::new(Bad::Below, -0.1).unwrap();
    for (options, named) in [
        (default.clone().with_alpha(0.0), "`alpha`, 0"),
        (default.clone().with_alpha(f64::NAN), "`alpha`, NaN"),
        (default.clone().with_levels(ServiceFigure::LatencyP50, Some(better)), "`latency_p50`"),
        (default.clone().with_levels(ServiceFigure::ErrorRate, Some(other)), "`error_rate`"),
        (default.clone().with_levels(ServiceFigure::Confidence, Some(better)), "`confidence`"),
    ] {
        let stats = ServiceStats::default();
        let error = Degradation::of(&stats, &stats, &options).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let none = ServiceFigure::ALL
        .into_iter()
        .fold(default, |options, figure| options.with_levels(figure, None));
    let stats = ServiceStats::default();
    assert_eq!(Degradation::of(&stats, &stats, &none).unwrap().verdict(), ServiceVerdict::Ok);
}

#[test]
fn stored_baselines_are_checked() {
    let text = serde_json::to_string(&stats(50, 10.0, 0.8, 0)).unwrap();
    for (from, to) in [
        (r#""rows":50"#, r#""rows":1"#),
        (r#""failed":0"#, r#""failed":9007199254740993"#),
        (r#""failed":0"#, r#""failed":-1"#),
        (r#""failed":0"#, r#""faild":0"#),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text);
        serde_json::from_str::<ServiceStats>(&wrong).unwrap_err();
    }
}

//! A service that has not changed is called degraded no more often than was asked for.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    ndarray::array,
    random::{RandomKey, RandomStream},
    tensor::{NamedTensors, Tensor},
};
use mlops_drift::{
    alert::{Bad, Thresholds},
    performance::{
        ConfidenceFrom, Degradation, DegradationOptions, ServiceFigure, ServiceObserver,
        ServiceStats, ServiceVerdict,
    },
};

use crate::served::{Served, seconds};

fn sample(requests: usize, slower: f64, random: &mut RandomStream) -> ServiceStats {
    let from = ConfidenceFrom::Probability { output: "y".into() };
    let observer = Arc::new(ServiceObserver::new(seconds(0)).with_confidence(from));
    let served = Served::to(&observer);
    for _ in 0..requests {
        // A long tail.
        let took = 0.01 * slower * (1.0 - random.next_unit()).powf(-0.6);
        let took = Duration::from_secs_f64(took);
        let answer = if random.next_unit() < 0.03 {
            Err(Error::Closed { what: "model" })
        } else {
            let p = random.next_unit();
            Ok(NamedTensors::single("y", Tensor::from_array(array![p])))
        };
        served.answer(None, seconds(0), took, answer);
    }
    observer.take(seconds(100))
}

/// Levels so low that the evidence alone decides.
fn evidence_alone() -> DegradationOptions {
    let low = |bad, level| Some(Thresholds::new(bad, level).unwrap());
    let figures = [
        (ServiceFigure::LatencyP50, Bad::Above),
        (ServiceFigure::LatencyP95, Bad::Above),
        (ServiceFigure::LatencyP99, Bad::Above),
        (ServiceFigure::ErrorRate, Bad::Above),
        (ServiceFigure::Confidence, Bad::Below),
    ];
    figures.into_iter().fold(DegradationOptions::default(), |options, (figure, bad)| {
        let level = if bad == Bad::Above { 1e-9 } else { -1e-9 };
        options.with_levels(figure, low(bad, level))
    })
}

#[test]
fn false_alarms_are_no_more_than_alpha() {
    let mut random = RandomKey::from_seed(1).stream(0);
    let (rounds, alpha) = (400, 0.2);
    let [low, default] =
        [evidence_alone(), DegradationOptions::default()].map(|options| options.with_alpha(alpha));
    let (mut by_evidence, mut by_default) = (0, 0);
    for _ in 0..rounds {
        let (baseline, current) = (sample(600, 1.0, &mut random), sample(300, 1.0, &mut random));
        let degraded = |options| {
            let found = Degradation::of(&baseline, &current, options).unwrap();
            usize::from(found.verdict() >= ServiceVerdict::Warning)
        };
        by_evidence += degraded(&low);
        by_default += degraded(&default);
    }
    // Four standard deviations of a binomial count above. Quantiles are conservative, the others are not.
    let most = f64::from(rounds) * alpha + 4.0 * (f64::from(rounds) * alpha * (1.0 - alpha)).sqrt();
    assert!((by_evidence as f64) < most, "{by_evidence}");
    assert!(by_evidence > 10, "{by_evidence}");
    assert!(by_default <= by_evidence, "{by_default}");
}

/// And one that is half as slow again is found out.
#[test]
fn a_slower_service_is_found_out() {
    let mut random = RandomKey::from_seed(2).stream(0);
    let options = DegradationOptions::default();
    let found = (0..50).filter(|_| {
        let (baseline, current) = (sample(2000, 1.0, &mut random), sample(500, 1.6, &mut random));
        let found = Degradation::of(&baseline, &current, &options).unwrap();
        found.figures[0].verdict == ServiceVerdict::Critical
    });
    assert!(found.count() >= 45);
}

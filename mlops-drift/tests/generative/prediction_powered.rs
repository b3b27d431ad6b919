//! Means from judge scores and few labels.

use mlops_core::{Error, random::RandomKey};
use mlops_drift::generative::{PredictionPowered, Tuning};
use proptest::prelude::*;
use serde_json::Value;

use super::{assert_close, golden};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn estimates_are_those_of_ppi_py() {
    for case in golden()["means"].as_array().unwrap() {
        let mut powered = PredictionPowered::new();
        for (label, score) in numbers(&case["labels"]).iter().zip(numbers(&case["scores"])) {
            powered.observe_labelled(score, *label).unwrap();
        }
        for score in numbers(&case["judged"]) {
            powered.observe_judged(score).unwrap();
        }
        for expected in case["estimates"].as_array().unwrap() {
            let figure = |name: &str| expected[name].as_f64().unwrap();
            let tuning = expected["tuning"].as_f64().map_or(Tuning::Power, Tuning::Fixed);
            let estimate = powered.estimate(figure("confidence"), tuning).unwrap();
            // Scores of a million leave ten digits of a mean that is a difference of them.
            let tolerance = if numbers(&case["scores"])[0] > 1e5 { 1e-9 } else { 1e-12 };
            assert_close(estimate.lambda, figure("lambda"), tolerance);
            assert_close(estimate.mean, figure("mean"), tolerance);
            assert_close(estimate.interval.low, figure("low"), tolerance);
            assert_close(estimate.interval.high, figure("high"), tolerance);
        }
    }
}

/// Yes or no, with this probability of yes; a judge that is right with that one.
fn draw(rate: f64, right: f64, random: &mut mlops_core::random::RandomStream) -> (f64, f64) {
    let truth = random.next_unit() < rate;
    let judged = if random.next_unit() < right { truth } else { !truth };
    (f64::from(u8::from(truth)), f64::from(u8::from(judged)))
}

/// Of 95 % intervals, 2 are missed per 1000 more or less with a probability of a third: 4 such.
#[test]
fn intervals_cover_and_are_narrower_than_of_labels_alone() {
    const ROUNDS: u64 = 1000;
    for (right, narrower) in [(0.95, 0.6), (0.8, 0.9), (0.5, 1.02)] {
        let (mut covered, mut widths) = (0, [0.0; 2]);
        for round in 0..ROUNDS {
            let mut random = RandomKey::from_seed(3).derive("ppi").stream(round);
            let mut powered = PredictionPowered::new();
            for exchange in 0..2200 {
                let (truth, judged) = draw(0.3, right, &mut random);
                if exchange < 200 {
                    powered.observe_labelled(judged, truth).unwrap();
                } else {
                    powered.observe_judged(judged).unwrap();
                }
            }
            let both = powered.estimate(0.95, Tuning::Power).unwrap();
            let labels = powered.estimate(0.95, Tuning::Fixed(0.0)).unwrap();
            covered += u32::from(both.interval.contains(0.3));
            widths[0] += both.interval.width();
            widths[1] += labels.interval.width();
        }
        assert!((922..=978).contains(&covered), "{covered} of {ROUNDS} for a judge of {right}");
        assert!(widths[0] < narrower * widths[1], "{widths:?} for a judge of {right}");
    }
}

#[test]
fn a_judge_that_always_says_the_same_is_not_asked() {
    let mut powered = PredictionPowered::new();
    for label in [0.0, 1.0, 1.0, 0.0] {
        powered.observe_labelled(0.7, label).unwrap();
        powered.observe_judged(0.7).unwrap();
    }
    let estimate = powered.estimate(0.95, Tuning::Power).unwrap();
    assert_eq!((estimate.lambda, estimate.mean), (0.0, 0.5));
    assert_eq!(powered.correlation(), None);
}

#[test]
fn labels_alone_are_enough() {
    let mut powered = PredictionPowered::new();
    for label in [0.0, 1.0, 1.0, 0.0] {
        powered.observe_labelled(label, label).unwrap();
    }
    for tuning in [Tuning::Power, Tuning::Fixed(1.0)] {
        let estimate = powered.estimate(0.95, tuning).unwrap();
        assert_eq!((estimate.lambda, estimate.mean, estimate.standard_error), (0.0, 0.5, 0.25));
    }
}

#[test]
fn the_bias_of_a_judge() {
    let mut powered = PredictionPowered::new();
    for (score, label) in [(0.9, 0.5), (0.8, 0.6), (0.4, 0.1), (0.5, 0.2)] {
        powered.observe_labelled(score, label).unwrap();
    }
    let bias = powered.bias(0.95).unwrap();
    assert_close(bias.mean, 0.3, 1e-15);
    // Differences of 0.4, 0.2, 0.3 and 0.3: a variance of 0.005.
    assert_close(bias.standard_error, (0.005_f64 / 4.0).sqrt(), 1e-12);
    // Products of 0.16 and squares of 0.17 each.
    assert_close(powered.correlation().unwrap(), 16.0 / 17.0, 1e-12);
    assert_eq!((powered.labels(), powered.judged()), (4, 0));
}

#[test]
fn bad_inputs_are_refused_and_change_nothing() {
    let mut powered = PredictionPowered::new();
    powered.observe_labelled(0.5, 1.0).unwrap();
    powered.observe_judged(0.5).unwrap();
    let before = powered;
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200] {
        for error in [
            powered.observe_judged(bad).unwrap_err(),
            powered.observe_labelled(bad, 0.0).unwrap_err(),
            powered.observe_labelled(0.0, bad).unwrap_err(),
        ] {
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
        }
    }
    assert_eq!(powered, before);
    // One label has no spread.
    assert!(powered.estimate(0.95, Tuning::Power).is_err() && powered.bias(0.95).is_err());
    powered.observe_labelled(0.2, 0.0).unwrap();
    for confidence in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(powered.estimate(confidence, Tuning::Power).is_err());
        assert!(powered.bias(confidence).is_err());
    }
    for lambda in [f64::NAN, f64::INFINITY] {
        assert!(powered.estimate(0.95, Tuning::Fixed(lambda)).is_err());
    }
    assert!(powered.estimate(0.95, Tuning::Fixed(1e300)).is_err());
}

#[test]
fn what_is_too_far_apart_for_a_double_is_no_certainty() {
    let of = |size: f64| {
        let mut powered = PredictionPowered::new();
        for row in 0..200 {
            powered.observe_judged(size).unwrap();
            powered.observe_labelled(size, size * f64::from(row % 2)).unwrap();
        }
        powered
    };
    let mut merged = of(1.2e153);
    merged.merge(&of(-1.2e153));
    for tuning in [Tuning::Power, Tuning::Fixed(0.0), Tuning::Fixed(1.0)] {
        let found = merged.estimate(0.95, tuning);
        assert!(matches!(found, Err(Error::InvalidArgument { what: "scores", .. })), "{found:?}");
    }
    let found = merged.bias(0.95);
    assert!(matches!(found, Err(Error::InvalidArgument { what: "scores", .. })), "{found:?}");
}

proptest! {
    /// What replicas have seen adds up to what one would have, in any order.
    #[test]
    fn merging_is_seeing_it_all(
        rows in prop::collection::vec((-1e3..1e3_f64, prop::option::of(-1e3..1e3_f64), 0..3_usize), 8..60),
    ) {
        let mut whole = PredictionPowered::new();
        let mut parts = [PredictionPowered::new(); 3];
        for (score, label, part) in &rows {
            for powered in [&mut whole, &mut parts[*part]] {
                match label {
                    Some(label) => powered.observe_labelled(*score, *label).unwrap(),
                    None => powered.observe_judged(*score).unwrap(),
                }
            }
        }
        let [mut merged, b, c] = [parts[2], parts[0], parts[1]];
        merged.merge(&b);
        merged.merge(&c);
        prop_assert_eq!((merged.labels(), merged.judged()), (whole.labels(), whole.judged()));
        if whole.labels() >= 2 {
            for tuning in [Tuning::Power, Tuning::Fixed(1.0)] {
                let [one, all] = [merged, whole].map(|powered| powered.estimate(0.9, tuning).unwrap());
                assert_close(one.mean, all.mean, 1e-9);
                assert_close(one.standard_error, all.standard_error, 1e-9);
            }
        }
    }
}

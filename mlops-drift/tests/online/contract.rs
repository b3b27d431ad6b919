//! The contract of `ChangeDetector`, line by line, for every detector.

use std::fmt::Debug;

use mlops_drift::online::{
    AdwinOptions, ChangeDetector, CusumOptions, DdmOptions, Direction, EddmOptions, HddmAOptions,
    HddmWOptions, KswinOptions, MAX_MAGNITUDE, PageHinkleyOptions, Reference, Signal, Threshold,
    cusum_average_run_length,
};
use serde::{Serialize, de::DeserializeOwned};

use super::streams::{errors, normal};

/// What it takes.
#[derive(Clone, Copy, PartialEq)]
enum Input {
    Numbers,
    Losses,
    Errors,
}

/// Calls a function for every detector, with the values it takes.
macro_rules! for_every_detector {
    ($check:ident) => {
        let cusum = CusumOptions::default().with_threshold(Threshold::Value(8.0));
        let known = Reference::Known { mean: 0.0, scale: 1.0 };
        $check(AdwinOptions::default().build().unwrap(), Input::Numbers);
        $check(AdwinOptions::river().build().unwrap(), Input::Numbers);
        $check(AdwinOptions::default().with_clock(1).build().unwrap(), Input::Numbers);
        $check(PageHinkleyOptions::default().build().unwrap(), Input::Numbers);
        $check(PageHinkleyOptions::river().build().unwrap(), Input::Numbers);
        $check(cusum.clone().build().unwrap(), Input::Numbers);
        $check(cusum.with_reference(known).build().unwrap(), Input::Numbers);
        $check(KswinOptions::default().build().unwrap(), Input::Numbers);
        $check(KswinOptions::river().build().unwrap(), Input::Numbers);
        $check(DdmOptions::default().build().unwrap(), Input::Losses);
        $check(DdmOptions::river().build().unwrap(), Input::Losses);
        $check(EddmOptions::default().build().unwrap(), Input::Errors);
        $check(EddmOptions::river().build().unwrap(), Input::Errors);
        $check(HddmAOptions::default().build().unwrap(), Input::Losses);
        $check(HddmAOptions::river().build().unwrap(), Input::Losses);
        $check(HddmWOptions::default().build().unwrap(), Input::Losses);
        $check(HddmWOptions::river().build().unwrap(), Input::Losses);
    };
}

/// A bound for what tests need of a detector.
trait Detector: ChangeDetector + Clone + PartialEq + Debug + Serialize + DeserializeOwned {}
impl<D: ChangeDetector + Clone + PartialEq + Debug + Serialize + DeserializeOwned> Detector for D {}

/// Values with changes up and down.
fn stream(input: Input) -> Vec<f64> {
    let mut values = Vec::new();
    for (index, level) in [0.1, 0.6, 0.1, 0.9].into_iter().enumerate() {
        let seed = index as u64 + 1;
        match input {
            Input::Numbers => values.extend(normal(seed).take(700).map(|bell| 10.0 * level + bell)),
            Input::Losses | Input::Errors => values.extend(errors(seed, level).take(700)),
        }
    }
    values
}

fn follow(detector: &mut impl ChangeDetector, values: &[f64]) -> Vec<Signal> {
    values.iter().map(|value| detector.update(*value)).collect()
}

#[test]
fn contract_1_no_value_is_a_panic() {
    fn check<D: Detector>(mut detector: D, _: Input) {
        let wild = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN,
            MAX_MAGNITUDE,
            -MAX_MAGNITUDE,
            f64::MIN_POSITIVE,
            5e-324,
            -0.0,
            0.0,
            1.0,
            1.0 + f64::EPSILON,
        ];
        for round in 1..400 {
            wild.iter().cycle().step_by(round % 7 + 1).take(20).for_each(|value| {
                detector.update(*value);
            });
        }
        // And it is still of use.
        detector.reset();
        let signals = follow(&mut detector, &stream(Input::Errors).repeat(2));
        assert!(!signals.contains(&Signal::Ignored), "{detector:?}");
    }
    for_every_detector!(check);
}

#[test]
fn contract_2_what_it_cannot_use_counts_for_nothing() {
    fn check<D: Detector>(mut detector: D, input: Input) {
        let mut useless = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e100, -f64::MAX];
        if input != Input::Numbers {
            useless.extend([-0.1, 1.000_001, 2.0]);
        }
        if input == Input::Errors {
            useless.push(0.5);
        }
        let mut undisturbed = detector.clone();
        for value in stream(input) {
            for &useless in &useless {
                let before = detector.clone();
                assert_eq!(detector.update(useless), Signal::Ignored, "{useless} {detector:?}");
                assert_eq!(detector, before, "{useless}");
            }
            let signal = detector.update(value);
            assert_ne!(signal, Signal::Ignored);
            assert_eq!(signal, undisturbed.update(value));
        }
    }
    for_every_detector!(check);
}

#[test]
fn contract_3_it_goes_on_after_a_change() {
    fn check<D: Detector>(mut detector: D, input: Input) {
        let values = stream(input);
        let signals = follow(&mut detector, &values);
        let changed = |from: usize, to: usize| signals[from..to].contains(&Signal::Change);
        // Every detector finds a rise by five deviations, or of errors to sixfold, and one again later.
        assert!(changed(700, 1400), "{detector:?}");
        assert!(changed(2100, 2800), "{detector:?}");
    }
    for_every_detector!(check);
}

#[test]
fn contract_4_a_reset_makes_it_new() {
    fn check<D: Detector>(mut detector: D, input: Input) {
        let new = detector.clone();
        let values = stream(input);
        for stop in [1, 40, 333, 800, 1500] {
            follow(&mut detector, &values[..stop]);
            detector.reset();
            assert_eq!(detector, new, "after {stop}");
        }
        // On the very value of a change.
        let change = values.iter().position(|value| detector.update(*value) == Signal::Change);
        assert!(change.is_some());
        detector.reset();
        assert_eq!(detector, new);
    }
    for_every_detector!(check);
}

#[test]
fn contract_5_it_can_be_written_and_read_at_any_time() {
    fn check<D: Detector>(mut detector: D, input: Input) {
        let values = stream(input);
        let mut again = detector.clone();
        for (index, value) in values.iter().enumerate() {
            let signal = detector.update(*value);
            assert_eq!(again.update(*value), signal, "{index}");
            if index % 97 == 0 || signal == Signal::Change {
                let written = serde_json::to_string(&detector).unwrap();
                again = serde_json::from_str(&written).unwrap();
                assert_eq!(again, detector, "{index}");
            }
        }
    }
    for_every_detector!(check);
}

#[test]
fn contract_6_its_memory_is_bounded() {
    fn check<D: Detector>(mut detector: D, input: Input) {
        let size = |detector: &D| serde_json::to_string(detector).unwrap().len();
        let values = stream(input);
        follow(&mut detector, &values);
        for _ in 0..30 {
            follow(&mut detector, &values);
        }
        // What is written of it is what it remembers; a window of 300 values is the most.
        assert!(size(&detector) < 9000, "{}", size(&detector));
    }
    for_every_detector!(check);
}

#[test]
fn a_box_is_a_detector() {
    fn check<D: Detector + 'static>(detector: D, input: Input) {
        let mut plain = detector.clone();
        let mut boxed: Box<dyn ChangeDetector> = Box::new(detector);
        let values = stream(input);
        assert_eq!(follow(&mut boxed, &values), follow(&mut plain, &values));
        boxed.reset();
        plain.reset();
        assert_eq!(follow(&mut boxed, &values), follow(&mut plain, &values));
    }
    for_every_detector!(check);
}

#[test]
fn a_slack_that_no_value_exceeds_is_refused() {
    // Scores are 5 at most: with such a slack a sum never grows, and nothing would ever be found.
    for slack in [5.0, 8.0, 12.0, 100.0, 1e6, 1e300] {
        for threshold in [Threshold::default(), Threshold::Value(4.0)] {
            let cusum = CusumOptions::default().with_slack(slack).with_threshold(threshold);
            let error = cusum.build().unwrap_err().to_string();
            assert!(error.starts_with("invalid slack: "), "{error}");
            let page_hinkley = PageHinkleyOptions::default().with_threshold(threshold);
            let error = page_hinkley.with_tolerance(slack).build().unwrap_err().to_string();
            assert!(error.starts_with("invalid tolerance: "), "{error}");
        }
        for threshold in [0.0, 4.0, 1e200] {
            cusum_average_run_length(threshold, slack, Direction::Up).unwrap_err();
        }
    }
}

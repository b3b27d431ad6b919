//! Confidence sequences: the papers' formulas, restarts, and coverage of whole paths.

use mlops_core::{
    Error,
    random::{RandomKey, RandomStream},
    stats::{
        Interval, binomial,
        confidence_sequence::{
            AsymptoticOptions, AsymptoticSequence, EmpiricalBernstein, MeanTest,
        },
        normal,
    },
};
use proptest::prelude::*;

use crate::golden::{assert_close, cases, list};

#[test]
fn values_are_those_of_the_papers() {
    for case in cases("sequences") {
        let confidence = case["confidence"].as_f64().unwrap();
        let mut bernstein = EmpiricalBernstein::new(confidence).unwrap();
        let mut test = MeanTest::new(case["null"].as_f64().unwrap()).unwrap();
        let options =
            AsymptoticOptions::default().with_confidence(confidence).with_narrowest_at(500);
        let mut asymptotic = AsymptoticSequence::new(options.with_min_count(2)).unwrap();
        let ends = |name: &str| [list(&case[name][0]), list(&case[name][1])];
        let ([low, high], [below, above]) = (ends("bernstein"), ends("asymptotic"));
        let e_values = list(&case["e_values"]);
        let mut most = 1.0_f64;
        for (t, x) in list(&case["x"]).into_iter().enumerate() {
            bernstein.update(x).unwrap();
            assert_close(bernstein.interval().low, low[t], 1e-11, t);
            assert_close(bernstein.interval().high, high[t], 1e-11, t);
            test.update(x).unwrap();
            assert_close(test.e_value(), e_values[t], 1e-10, t);
            most = most.max(e_values[t]);
            assert_close(test.p_value(), 1.0 / most, 1e-10, t);
            asymptotic.update(x).unwrap();
            match asymptotic.interval() {
                None => assert_eq!(t, 0),
                Some(interval) => {
                    assert!((interval.low - below[t]).abs() < 1e-12, "{t}");
                    assert!((interval.high - above[t]).abs() < 1e-12, "{t}");
                }
            }
        }
        assert_eq!((bernstein.count(), test.count(), asymptotic.count()), (250, 250, 250));
    }
}

#[test]
fn a_restart_changes_nothing() {
    let mut stream = RandomKey::from_seed(8).stream(0);
    let mut whole = (
        EmpiricalBernstein::new(0.9).unwrap(),
        MeanTest::new(0.4).unwrap(),
        AsymptoticSequence::new(AsymptoticOptions::default()).unwrap(),
    );
    let mut restarted = whole.clone();
    for t in 0..500 {
        let x = stream.next_unit();
        for parts in [&mut whole, &mut restarted] {
            parts.0.update(x).unwrap();
            parts.1.update(x).unwrap();
            parts.2.update(x).unwrap();
        }
        if t % 50 == 0 {
            restarted = serde_json::from_str(&serde_json::to_string(&restarted).unwrap()).unwrap();
        }
        assert_eq!(whole, restarted);
    }
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut bernstein = EmpiricalBernstein::new(0.9).unwrap();
    let mut test = MeanTest::new(0.4).unwrap();
    assert_eq!(bernstein.interval(), Interval { low: 0.0, high: 1.0 });
    assert_eq!((test.e_value(), test.p_value()), (1.0, 1.0));
    for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        for error in [bernstein.update(value).unwrap_err(), test.update(value).unwrap_err()] {
            assert!(matches!(error, Error::InvalidArgument { what: "observation", .. }), "{error}");
        }
    }
    assert_eq!((bernstein.count(), test.count()), (0, 0));
    let mut asymptotic = AsymptoticSequence::new(AsymptoticOptions::default()).unwrap();
    asymptotic.update(1.0).unwrap();
    let before = asymptotic.clone();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200] {
        let error = asymptotic.update(value).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "observation", .. }), "{error}");
    }
    assert_eq!(asymptotic, before);
    for bad in [0.0, 1.0, f64::NAN] {
        assert!(EmpiricalBernstein::new(bad).is_err() && MeanTest::new(bad).is_err());
        assert!(
            AsymptoticSequence::new(AsymptoticOptions::default().with_confidence(bad)).is_err()
        );
    }
    assert!(AsymptoticSequence::new(AsymptoticOptions::default().with_narrowest_at(0)).is_err());
    assert!(AsymptoticSequence::new(AsymptoticOptions::default().with_min_count(1)).is_err());
}

#[test]
fn a_constant_has_a_mean() {
    let mut asymptotic =
        AsymptoticSequence::new(AsymptoticOptions::default().with_min_count(2)).unwrap();
    let mut bernstein = EmpiricalBernstein::new(0.95).unwrap();
    for _ in 0..1000 {
        asymptotic.update(0.1).unwrap();
        bernstein.update(0.1).unwrap();
    }
    assert_eq!(asymptotic.interval(), Some(Interval { low: 0.1, high: 0.1 }));
    let interval = bernstein.interval();
    assert!(interval.contains(0.1) && interval.width() < 0.05, "{interval:?}");
}

const PATHS: u64 = 400;
const LENGTH: u64 = 2000;
const ALPHA: f64 = 0.1;

/// Of how many paths something was ever amiss.
fn ever(
    draw: impl Fn(&mut RandomStream) -> f64,
    mut path: impl FnMut(&mut dyn FnMut() -> f64) -> bool,
) -> u64 {
    let mut amiss = 0;
    for number in 0..PATHS {
        let mut stream = RandomKey::from_seed(9).stream(number);
        amiss += u64::from(path(&mut || draw(&mut stream)));
    }
    amiss
}

/// More than chance allows of something that happens with probability `ALPHA`.
fn too_many(paths: u64) -> bool {
    binomial::sf(paths.saturating_sub(1), PATHS, ALPHA) < 1e-4
}

fn bernoulli(rate: f64) -> impl Fn(&mut RandomStream) -> f64 + Copy {
    move |stream| if stream.next_unit() < rate { 1.0 } else { 0.0 }
}

fn gaussian(stream: &mut RandomStream) -> f64 {
    normal::quantile(stream.next_unit() + 0.5 / (1_u64 << 53) as f64)
}

fn bernstein_misses(mean: f64) -> impl FnMut(&mut dyn FnMut() -> f64) -> bool {
    move |next| {
        let mut sequence = EmpiricalBernstein::new(1.0 - ALPHA).unwrap();
        (0..LENGTH).any(|_| {
            sequence.update(next()).unwrap();
            !sequence.interval().contains(mean)
        })
    }
}

#[test]
fn bounded_means_are_covered_at_all_times() {
    for rate in [0.02, 0.5, 0.9] {
        let missed = ever(bernoulli(rate), bernstein_misses(rate));
        assert!(!too_many(missed), "{rate}: {missed}");
    }
    let missed = ever(RandomStream::next_unit, bernstein_misses(0.5));
    assert!(!too_many(missed), "{missed}");
}

#[test]
fn true_means_are_not_rejected_and_false_ones_are() {
    let rejects = |mean: f64| {
        move |next: &mut dyn FnMut() -> f64| {
            let mut test = MeanTest::new(mean).unwrap();
            (0..LENGTH).any(|_| {
                test.update(next()).unwrap();
                test.p_value() <= ALPHA
            })
        }
    };
    for rate in [0.02, 0.5, 0.9] {
        let rejected = ever(bernoulli(rate), rejects(rate));
        assert!(!too_many(rejected), "{rate}: {rejected}");
    }
    for (rate, mean) in [(0.02, 0.1), (0.5, 0.4), (0.9, 0.95)] {
        let rejected = ever(bernoulli(rate), rejects(mean));
        assert!(rejected > PATHS * 9 / 10, "{rate} {mean}: {rejected}");
    }
}

#[test]
fn unbounded_means_are_covered_from_the_first_hundred_on() {
    let misses = |mean: f64| {
        move |next: &mut dyn FnMut() -> f64| {
            let options = AsymptoticOptions::default().with_confidence(1.0 - ALPHA);
            let mut sequence = AsymptoticSequence::new(options).unwrap();
            (0..LENGTH).any(|_| {
                sequence.update(next()).unwrap();
                sequence.interval().is_some_and(|interval| !interval.contains(mean))
            })
        }
    };
    let missed = ever(gaussian, misses(0.0));
    assert!(!too_many(missed), "{missed}");
    let missed = ever(|stream| -(1.0 - stream.next_unit()).ln(), misses(1.0));
    assert!(!too_many(missed), "{missed}");
}

#[test]
fn an_interval_for_one_look_does_not_stand_many() {
    // The specimen: what the checks above make of mean ± z s / √t.
    let missed = ever(gaussian, |next| {
        let (mut sum, mut squares) = (0.0, 0.0);
        (1..=LENGTH).any(|t| {
            let x = next();
            sum += x;
            squares += x * x;
            let t = t as f64;
            let mean: f64 = sum / t;
            let half = 1.645 * ((squares / t - mean * mean) / t).sqrt();
            t >= 100.0 && mean.abs() > half
        })
    });
    assert!(too_many(missed), "{missed}");
}

proptest! {
    #[test]
    fn mirrored_observations_have_mirrored_intervals(
        values in prop::collection::vec(0.0_f64..=1.0, 1..100), mean in 0.05_f64..0.95,
    ) {
        let mut sequences = [0.95; 2].map(|confidence| EmpiricalBernstein::new(confidence).unwrap());
        let mut tests = [mean, 1.0 - mean].map(|mean| MeanTest::new(mean).unwrap());
        let mut last = 1.0;
        for value in values {
            for (index, value) in [value, 1.0 - value].into_iter().enumerate() {
                sequences[index].update(value).unwrap();
                tests[index].update(value).unwrap();
            }
            let (interval, mirrored) = (sequences[0].interval(), sequences[1].interval());
            prop_assert!(0.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0);
            prop_assert!((interval.low + mirrored.high - 1.0).abs() < 1e-12);
            prop_assert!((tests[0].ln_e_value() - tests[1].ln_e_value()).abs() < 1e-9);
            let p_value = tests[0].p_value();
            prop_assert!(0.0 < p_value && p_value <= last);
            last = p_value;
        }
    }
}

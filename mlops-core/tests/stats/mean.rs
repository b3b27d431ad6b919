//! Summaries and tests of means: scipy, laws, false alarms.

use mlops_core::{
    Error,
    random::{RandomKey, RandomStream},
    stats::{
        Alternative, TestResult, binomial,
        mean::{Summary, student_t_test, welch_t_test, z_test},
        normal,
    },
};
use proptest::prelude::*;

use crate::golden::{assert_close, cases, list, numbers};

const ALTERNATIVES: [(&str, Alternative); 3] = [
    ("two-sided", Alternative::TwoSided),
    ("less", Alternative::Less),
    ("greater", Alternative::Greater),
];
type MeanTest = fn(&Summary, &Summary, Alternative) -> mlops_core::Result<TestResult>;
const TESTS: [MeanTest; 3] = [student_t_test, welch_t_test, z_test];

#[test]
fn values_of_scipy_and_statsmodels() {
    for case in cases("means") {
        let values = list(&case["x"]);
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let (x, y) = (Summary::of(&values).unwrap(), Summary::of(&list(&case["y"])).unwrap());
        let mean = case["mean"].as_f64().unwrap();
        assert!((x.mean - mean).abs() <= 2e-16 * largest, "{case} {mean}");
        assert_close(x.variance, case["variance"].as_f64().unwrap(), 1e-14, case);
        for (name, alternative) in ALTERNATIVES {
            for (test, expected) in TESTS.into_iter().zip(case[name].as_array().unwrap()) {
                let [statistic, p_value] = numbers(expected);
                let found = test(&x, &y, alternative).unwrap();
                // Values around 1000 leave the difference of means some twelve digits.
                assert_close(found.statistic, statistic, 1e-9, case);
                assert_close(found.p_value, p_value, 1e-9, case);
            }
        }
        let interval = x.confidence_interval(0.9).unwrap();
        let [low, high] = numbers(&case["interval"]);
        let slack = 1e-12 * (low.abs() + high.abs());
        assert!(
            (interval.low - low).abs() < slack && (interval.high - high).abs() < slack,
            "{case}"
        );
        assert!(interval.contains(x.mean));
    }
}

#[test]
fn constants() {
    let summary = |values: &[f64]| Summary::of(values).unwrap();
    let (low, same, high) = (summary(&[0.1; 3]), summary(&[0.1; 7]), summary(&[0.2; 7]));
    assert_eq!((low.mean, low.variance), (0.1, 0.0));
    for test in TESTS {
        for (_, alternative) in ALTERNATIVES {
            let equal = test(&low, &same, alternative).unwrap();
            assert_eq!(equal, TestResult { statistic: 0.0, p_value: 1.0 });
        }
        for (alternative, p_value) in
            [(Alternative::TwoSided, 0.0), (Alternative::Less, 0.0), (Alternative::Greater, 1.0)]
        {
            let found = test(&low, &high, alternative).unwrap();
            assert_eq!(found, TestResult { statistic: f64::NEG_INFINITY, p_value });
        }
        let found = test(&low, &summary(&[0.0, 0.2, 0.1]), Alternative::TwoSided).unwrap();
        assert!(found.statistic.abs() < 1e-12 && found.p_value > 0.999_999);
    }
    let interval = high.confidence_interval(0.95).unwrap();
    assert_eq!((interval.low, interval.high), (0.2, 0.2));
}

#[test]
fn what_is_no_sample_is_refused() {
    for (values, reason) in [
        (&[][..], "invalid sample: it is empty"),
        (&[1.0, f64::NAN], "invalid sample: value 1 is NaN"),
        (&[f64::INFINITY, 1.0], "invalid sample: value 0 is inf"),
        (&[f64::INFINITY, f64::NEG_INFINITY], "invalid sample: value 0 is inf"),
        (&[1e308, 1e308], "invalid sample: the sum of its values is more than a double holds"),
        (&[1e200, -1e200], "invalid sample: its values are so far apart that squares overflow"),
    ] {
        assert_eq!(Summary::of(values).unwrap_err().to_string(), reason);
    }
    let good = Summary::of(&[1.0, 2.0]).unwrap();
    let bad = [
        Summary::of(&[1.0]).unwrap(),
        Summary::default(),
        Summary { mean: f64::NAN, ..good },
        Summary { variance: -1.0, ..good },
        Summary { variance: f64::INFINITY, ..good },
    ];
    for bad in bad {
        for test in TESTS {
            let error = test(&good, &bad, Alternative::TwoSided).unwrap_err();
            assert!(
                matches!(error, Error::InvalidArgument { what: "second sample", .. }),
                "{error}"
            );
            let error = test(&bad, &good, Alternative::TwoSided).unwrap_err();
            assert!(
                matches!(error, Error::InvalidArgument { what: "first sample", .. }),
                "{error}"
            );
        }
        assert!(bad.confidence_interval(0.9).is_err());
    }
    for confidence in [0.0, 1.0, -1.0, f64::NAN] {
        let error = good.confidence_interval(confidence).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "confidence", .. }), "{error}");
    }
    let far = [1.7e308, -1.7e308].map(|mean| Summary { count: 2, mean, variance: 0.0 });
    for test in TESTS {
        assert!(test(&far[0], &far[1], Alternative::TwoSided).is_err());
    }
}

#[test]
fn a_spread_next_to_a_large_mean_is_kept() {
    let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 7)).collect();
    let small: Vec<f64> = (0..1000).map(|i| f64::from(i % 7)).collect();
    assert_close(
        Summary::of(&values).unwrap().variance,
        Summary::of(&small).unwrap().variance,
        1e-14,
        "",
    );
}

proptest! {
    #[test]
    fn summaries_of_parts_merge(
        values in prop::collection::vec(-1e6_f64..1e6, 1..200), cut in 0_usize..200, offset in -1e6_f64..1e6,
    ) {
        let values: Vec<f64> = values.iter().map(|value| value + offset).collect();
        let whole = Summary::of(&values).unwrap();
        let (head, tail) = values.split_at(cut.min(values.len()));
        let part = |values: &[f64]| if values.is_empty() { Summary::default() } else { Summary::of(values).unwrap() };
        let mut merged = part(head);
        merged.merge(&part(tail));
        prop_assert_eq!(merged.count, whole.count);
        prop_assert!((merged.mean - whole.mean).abs() <= 1e-15 * 4e6);
        prop_assert!((merged.variance - whole.variance).abs() <= 1e-12 * (whole.variance + 1e-3));
    }

    #[test]
    fn swapping_samples_swaps_sides(
        x in prop::collection::vec(-5.0_f64..5.0, 2..30), y in prop::collection::vec(-5.0_f64..5.0, 2..30),
    ) {
        let (x, y) = (Summary::of(&x).unwrap(), Summary::of(&y).unwrap());
        for test in TESTS {
            let result = |x, y, alternative| test(x, y, alternative).unwrap();
            let (less, swapped) = (result(&x, &y, Alternative::Less), result(&y, &x, Alternative::Greater));
            prop_assert_eq!(less.statistic, -swapped.statistic);
            prop_assert!((less.p_value - swapped.p_value).abs() < 1e-12);
            let greater = result(&x, &y, Alternative::Greater);
            let both = result(&x, &y, Alternative::TwoSided);
            prop_assert!((less.p_value + greater.p_value - 1.0).abs() < 1e-12);
            prop_assert!((both.p_value - 2.0 * less.p_value.min(greater.p_value)).abs() < 1e-12);
        }
    }
}

fn gaussian(stream: &mut RandomStream) -> f64 {
    normal::quantile(stream.next_unit() + 0.5 / (1_u64 << 53) as f64)
}

/// How improbable this many alarms are of a test that raises them at `rate`, on the nearer side.
fn improbable(alarms: u64, trials: u64, rate: f64) -> bool {
    let most = binomial::sf(alarms.saturating_sub(1), trials, rate);
    binomial::cdf(alarms, trials, rate).min(most) < 1e-5
}

#[test]
fn false_alarms_come_as_often_as_promised() {
    const TRIALS: u64 = 4000;
    let mut alarms = [0; 3];
    let mut equal_variances_assumed = 0;
    for trial in 0..TRIALS {
        let mut stream = RandomKey::from_seed(4).stream(trial);
        let mut sample = |size, spread: f64| {
            let values: Vec<f64> =
                (0..size).map(|_| 3.0 + spread * gaussian(&mut stream)).collect();
            Summary::of(&values).unwrap()
        };
        let alarm =
            |result: mlops_core::Result<TestResult>| u64::from(result.unwrap().p_value <= 0.05);
        alarms[0] += alarm(student_t_test(&sample(5, 1.0), &sample(9, 1.0), Alternative::TwoSided));
        let (few, many) = (sample(10, 3.0), sample(40, 1.0));
        alarms[1] += alarm(welch_t_test(&few, &many, Alternative::TwoSided));
        equal_variances_assumed += alarm(student_t_test(&few, &many, Alternative::TwoSided));
        alarms[2] += alarm(z_test(&sample(300, 1.0), &sample(200, 2.0), Alternative::Greater));
    }
    for alarms in alarms {
        assert!(!improbable(alarms, TRIALS, 0.05), "{alarms} of {TRIALS}");
    }
    // What this check makes of a test whose assumption is false.
    assert!(improbable(equal_variances_assumed, TRIALS, 0.05), "{equal_variances_assumed}");
}

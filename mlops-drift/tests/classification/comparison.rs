//! Two samples of rows.

use mlops_core::stats::{Alternative, mean::Summary, proportion::Proportion};
use mlops_drift::performance::{
    Estimate, FigureDifference, compare_estimates, compare_means, compare_shares,
};
use serde::Deserialize;

use crate::rows::numbers;

#[derive(Deserialize)]
struct Golden {
    shares: Vec<[f64; 9]>,
    means: Vec<[f64; 8]>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-10 * a.abs().max(b.abs()).max(1e-3), "{a} {b}");
}

#[test]
fn shares() {
    let golden = golden().shares;
    assert_eq!(golden.len(), 4);
    for [a, n, b, m, low, high, two_sided, less, greater] in golden {
        let share = |of: f64, all: f64| Proportion::new(of as u64, all as u64).unwrap();
        let (reference, current) = (share(a, n), share(b, m));
        for (alternative, p) in [
            (Alternative::TwoSided, two_sided),
            (Alternative::Less, less),
            (Alternative::Greater, greater),
        ] {
            let found = compare_shares(&reference, &current, alternative, 0.95).unwrap();
            close(found.difference, b / m - a / n);
            close(found.interval.low, low);
            close(found.interval.high, high);
            close(found.p_value, p);
        }
    }
}

#[test]
fn means() {
    let golden = golden().means;
    assert_eq!(golden.len(), 3);
    for [seed, n, m, difference, low, high, two_sided, less] in golden {
        let reference = Summary::of(&numbers(seed as u64, n as usize, 1 << 16)).unwrap();
        let current: Vec<f64> = numbers(seed as u64 + 500, m as usize, 1 << 16)
            .iter()
            .map(|number| number * number * 3.0)
            .collect();
        let current = Summary::of(&current).unwrap();
        let of = |alternative| compare_means(&reference, &current, alternative, 0.95).unwrap();
        let found = of(Alternative::TwoSided);
        close(found.difference, difference);
        close(found.interval.low, low);
        close(found.interval.high, high);
        close(found.p_value, two_sided);
        close(of(Alternative::Less).p_value, less);
    }
    let constant = |mean| Summary { count: 5, mean, variance: 0.0 };
    let found = compare_means(&constant(1.0), &constant(2.0), Alternative::Less, 0.95).unwrap();
    assert_eq!((found.interval.low, found.interval.high, found.p_value), (1.0, 1.0, 1.0));
}

#[test]
fn estimates() {
    let of = |value, standard_error| Estimate { value, standard_error };
    let compare = |reference, current, alternative| {
        compare_estimates(&reference, &current, alternative, 0.95).unwrap()
    };
    // z = -2: twice scipy's norm.sf(2).
    let (reference, current) = (of(0.9, 0.03), of(0.8, 0.04));
    let found = compare(reference, current, Alternative::TwoSided);
    close(found.p_value, 0.045_500_263_896_358_42);
    close(found.interval.high, -0.1 + 0.05 * 1.959_963_984_540_054);
    close(compare(reference, current, Alternative::Less).p_value, 0.022_750_131_948_179_21);
    close(compare(reference, current, Alternative::Greater).p_value, 0.977_249_868_051_820_8);
    let exact = |value| of(value, 0.0);
    let p = |FigureDifference { p_value, .. }| p_value;
    assert_eq!(p(compare(exact(1.0), exact(1.0), Alternative::Less)), 1.0);
    assert_eq!(p(compare(exact(1.0), exact(0.9), Alternative::Less)), 0.0);
    assert_eq!(p(compare(exact(1.0), exact(0.9), Alternative::Greater)), 1.0);
    assert_eq!(p(compare(exact(1.0), exact(0.9), Alternative::TwoSided)), 0.0);
}

#[test]
fn bad_input_is_named() {
    let of = |value, standard_error| Estimate { value, standard_error };
    for (reference, current, confidence, named) in [
        (of(f64::NAN, 0.1), of(1.0, 0.1), 0.95, "reference estimate"),
        (of(1.0, 0.1), of(1.0, -0.1), 0.95, "current estimate"),
        (of(1.0, 0.1), of(1.0, 0.1), 1.0, "confidence"),
    ] {
        let result = compare_estimates(&reference, &current, Alternative::Less, confidence);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let one = Summary { count: 1, mean: 0.0, variance: 0.0 };
    let error = compare_means(&one, &one, Alternative::Less, 0.95).unwrap_err().to_string();
    assert!(error.contains("1 values"), "{error}");
    let share = Proportion::new(1, 2).unwrap();
    let error = compare_shares(&share, &share, Alternative::Less, 0.0).unwrap_err().to_string();
    assert!(error.contains("confidence"), "{error}");
}

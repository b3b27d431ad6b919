//! Rising curves, beside those of scikit-learn.

use mlops_drift::performance::Isotonic;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    seed: u64,
    /// The curve at 25 places from -0.1 to 1.1.
    at: Vec<f64>,
}

/// The rule of `make_golden.py`.
fn numbers(seed: u64, count: u64, steps: u64) -> Vec<f64> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % steps
    };
    std::iter::repeat_with(next).take(count as usize).map(|n| n as f64 / steps as f64).collect()
}

#[test]
fn they_are_those_of_scikit_learn() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_eq!(cases.len(), 40);
    for Case { seed, at } in cases {
        let count = 1 + seed * 3;
        let x = numbers(seed, count, 4 + 7 * (seed % 9));
        let mut y = numbers(seed + 1000, count, 16);
        if seed % 2 == 0 {
            y = y.iter().zip(&x).map(|(y, x)| f64::from(y < x)).collect();
        }
        let curve = Isotonic::fit(&x, &y).unwrap();
        for (n, expected) in at.into_iter().enumerate() {
            let place = -0.1 + 1.2 * n as f64 / 24.0;
            let found = curve.at(place);
            // Its own corners are told apart by more than rounding only.
            assert!((found - expected).abs() < 1e-10, "{seed} at {place}: {found} {expected}");
        }
    }
}

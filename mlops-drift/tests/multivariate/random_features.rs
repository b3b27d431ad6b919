//! Random features beside the kernel that they stand for, and their sums as a monoid.

use mlops_drift::{
    multivariate::{
        Bandwidth, median_distance,
        mmd::{self, MmdOptions},
        random_features::{FeatureSums, RandomFeatures, RandomFeaturesOptions},
    },
    ndarray::{Array2, s},
    stats::permutation::PermutationOptions,
};
use proptest::prelude::*;

use crate::rows::SplitMix64;

fn fitted(features: usize) -> (Array2<f64>, RandomFeatures) {
    let reference = SplitMix64(1).rows(150, 4) + 1000.0;
    let options = RandomFeaturesOptions::default().with_features(features).with_seed(7);
    let fitted = RandomFeatures::fit(reference.view(), &options).unwrap();
    (reference, fitted)
}

fn sums(features: &RandomFeatures, rows: &Array2<f64>) -> FeatureSums {
    let mut sums = features.no_rows();
    features.observe_rows(rows.view(), &mut sums).unwrap();
    sums
}

/// The features of each row, read from the sums of that row alone.
fn features_of(features: &RandomFeatures, rows: &Array2<f64>) -> Vec<Vec<f64>> {
    let of_row = |row: &[f64]| {
        let mut sums = features.no_rows();
        features.observe(row, &mut sums).unwrap();
        serde_json::from_value(serde_json::to_value(&sums).unwrap()["mean"]["sums"].clone())
            .unwrap()
    };
    rows.rows().into_iter().map(|row| of_row(row.as_slice().unwrap())).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn products_of_features_are_the_kernel() {
    let (reference, features) = fitted(2048);
    assert_eq!(features.bandwidth(), median_distance(reference.view(), 7).unwrap());
    let made = features_of(&features, &reference);
    let mut sum = 0.0;
    for i in 0..20 {
        for j in 0..20 {
            let apart = &reference.row(i) - &reference.row(j);
            let kernel = (-apart.dot(&apart) / (2.0 * features.bandwidth().powi(2))).exp();
            // The standard error of 1024 frequencies is at most 0.022.
            let found = dot(&made[i], &made[j]);
            assert!((found - kernel).abs() < 0.1, "{i} {j}: {found} {kernel}");
            sum += (found - kernel).abs() / 400.0;
        }
    }
    assert!(sum < 0.03, "{sum}");
}

#[test]
fn the_statistic_is_the_unbiased_discrepancy_of_the_features() {
    let (reference, features) = fitted(64);
    let current = SplitMix64(2).rows(40, 4) + 1000.5;
    let (x, y) = (features_of(&features, &reference), features_of(&features, &current));
    let within = |rows: &[Vec<f64>]| {
        let all: f64 = rows.iter().flat_map(|a| rows.iter().map(|b| dot(a, b))).sum();
        let count = rows.len() as f64;
        (all - count) / (count * (count - 1.0))
    };
    let between: f64 = x.iter().flat_map(|a| y.iter().map(|b| dot(a, b))).sum();
    let expected = within(&x) + within(&y) - 2.0 * between / (x.len() as f64 * y.len() as f64);
    let found = features.test(&sums(&features, &current)).unwrap();
    assert!((found.statistic - expected).abs() < 1e-12, "{found:?} {expected}");
}

#[test]
fn many_features_say_what_the_kernel_says() {
    let (reference, features) = fitted(2048);
    for shift in [0.0, 0.6] {
        let current = SplitMix64(3).rows(120, 4) + 1000.0 + shift;
        let found = features.test(&sums(&features, &current)).unwrap();
        let options = MmdOptions::default()
            .with_bandwidth(Bandwidth::Fixed(features.bandwidth()))
            .with_permutation(PermutationOptions::default().with_permutations(1999));
        let exact = mmd::test(reference.view(), current.view(), &options).unwrap().test;
        // Of the kernel that these features stand for, and of permutations.
        assert!((found.p_value - exact.p_value).abs() < 0.05, "{found:?} {exact:?}");
        assert!((found.statistic - exact.statistic).abs() < 0.003, "{found:?} {exact:?}");
    }
}

#[test]
fn what_is_written_is_read_the_same() {
    let (reference, features) = fitted(64);
    let text = serde_json::to_string(&features).unwrap();
    assert!(text.len() < 3000, "{}", text.len());
    let read: RandomFeatures = serde_json::from_str(&text).unwrap();
    assert_eq!(read, features);
    let current = sums(&features, &reference);
    let current: FeatureSums =
        serde_json::from_str(&serde_json::to_string(&current).unwrap()).unwrap();
    assert_eq!(read.test(&current).unwrap(), features.test(&current).unwrap());
    for (from, to) in [("\"features\":64", "\"features\":62"), ("\"rows\":150", "\"rows\":1")] {
        assert!(text.contains(from));
        serde_json::from_str::<RandomFeatures>(&text.replace(from, to)).unwrap_err();
    }
}

#[test]
fn sums_of_other_features_are_refused() {
    let (reference, features) = fitted(64);
    let options = RandomFeaturesOptions::default().with_features(64).with_seed(8);
    let others = RandomFeatures::fit(reference.view(), &options).unwrap();
    let (mut mine, theirs) = (sums(&features, &reference), sums(&others, &reference));
    let before = mine.clone();
    for error in [
        mine.merge(&theirs).unwrap_err(),
        features.test(&theirs).unwrap_err(),
        others.observe_rows(reference.view(), &mut mine).unwrap_err(),
    ] {
        assert!(
            error.to_string().starts_with("invalid sums: they are of features blake3:"),
            "{error}"
        );
    }
    assert_eq!(mine, before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However rows are divided, in whatever order, the parts merge into the whole.
    #[test]
    fn parts_merge_into_the_whole(seed in 0..1000_u64, cuts in prop::array::uniform2(0..40_usize)) {
        let (_, features) = fitted(16);
        let rows = SplitMix64(seed).rows(40, 4) + 1000.2;
        let whole = sums(&features, &rows);
        let (a, b) = (cuts[0].min(cuts[1]), cuts[0].max(cuts[1]));
        let part = |from: usize, to: usize| {
            sums(&features, &rows.slice(s![from..to, ..]).to_owned())
        };
        let mut merged = features.no_rows();
        for part in [part(b, 40), part(0, a), features.no_rows(), part(a, b)] {
            merged.merge(&part).unwrap();
        }
        prop_assert_eq!(merged.rows(), 40);
        let (found, expected) = (features.test(&merged).unwrap(), features.test(&whole).unwrap());
        prop_assert!((found.statistic - expected.statistic).abs() < 1e-14);
        prop_assert!((found.p_value - expected.p_value).abs() < 1e-11);
    }
}

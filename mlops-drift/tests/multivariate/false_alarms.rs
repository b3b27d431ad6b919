//! How often each test finds a difference at 5 % where there is none, in seeded simulations.

use mlops_drift::{
    multivariate::{
        domain_classifier::{self, DomainClassifierOptions, Terms},
        embedding::{EmbeddingOptions, EmbeddingReference},
        lsdd::{self, LsddOptions},
        mmd::{self, MmdOptions},
        random_features::{RandomFeatures, RandomFeaturesOptions},
    },
    ndarray::Array2,
    stats::permutation::PermutationOptions,
};

use crate::rows::SplitMix64;

/// The share of false alarms at 5 % among so many pairs of samples of one distribution.
fn alarms(
    rounds: u64,
    mut rows: impl FnMut(&mut SplitMix64) -> [Array2<f64>; 2],
    p_value: impl Fn(&Array2<f64>, &Array2<f64>, u64) -> f64,
) -> f64 {
    let mut random = SplitMix64(20_261_122);
    let found = (0..rounds)
        .filter(|round| {
            let [x, y] = rows(&mut random);
            p_value(&x, &y, *round) <= 0.05
        })
        .count();
    found as f64 / rounds as f64
}

/// Four and a half standard deviations of the share, once in 150 000 by chance.
#[track_caller]
fn nominal(share: f64, rounds: u64) {
    let bound = 4.5 * (0.05 * 0.95 / rounds as f64).sqrt();
    assert!((share - 0.05).abs() < bound, "{share} is not within {bound} of 0.05");
}

fn correlated(n: usize, m: usize, d: usize) -> impl Fn(&mut SplitMix64) -> [Array2<f64>; 2] {
    move |random| [random.rows(n, d), random.rows(m, d)]
}

/// Few values, one of them wild.
fn tied(n: usize, m: usize) -> impl Fn(&mut SplitMix64) -> [Array2<f64>; 2] {
    move |random| {
        [n, m].map(|count| {
            let value = || if random.unit() < 0.005 { 1e9 } else { (random.unit() * 3.0).floor() };
            Array2::from_shape_simple_fn((count, 2), value)
        })
    }
}

fn mmd_p(x: &Array2<f64>, y: &Array2<f64>, seed: u64) -> f64 {
    let permutation = PermutationOptions::default().with_permutations(39).with_seed(seed);
    let options = MmdOptions::default().with_permutation(permutation);
    mmd::test(x.view(), y.view(), &options).unwrap().test.p_value
}

fn lsdd_p(x: &Array2<f64>, y: &Array2<f64>, seed: u64) -> f64 {
    let permutation = PermutationOptions::default().with_permutations(39).with_seed(seed);
    let options = LsddOptions::default().with_permutation(permutation).with_kernels(20);
    lsdd::test(x.view(), y.view(), &options).unwrap().test.p_value
}

#[test]
fn maximum_mean_discrepancy() {
    nominal(alarms(2000, correlated(20, 15, 3), mmd_p), 2000);
    nominal(alarms(1000, tied(30, 20), mmd_p), 1000);
}

#[test]
fn density_difference() {
    nominal(alarms(1000, correlated(20, 15, 3), lsdd_p), 1000);
    nominal(alarms(1000, tied(30, 20), lsdd_p), 1000);
}

#[test]
fn domain_classifier() {
    let p_value = |terms| {
        move |x: &Array2<f64>, y: &Array2<f64>, seed| {
            let options =
                DomainClassifierOptions::default().with_seed(seed).with_terms(terms).with_folds(5);
            domain_classifier::test(x.view(), y.view(), &options).unwrap().test.p_value
        }
    };
    nominal(alarms(600, correlated(50, 40, 3), p_value(Terms::Linear)), 600);
    // More columns than rows.
    nominal(alarms(200, correlated(18, 18, 40), p_value(Terms::Linear)), 200);
    nominal(alarms(400, correlated(60, 30, 2), p_value(Terms::Quadratic)), 400);
    nominal(alarms(600, tied(60, 50), p_value(Terms::Linear)), 600);
}

#[test]
fn random_features() {
    let p_value = |x: &Array2<f64>, y: &Array2<f64>, seed| {
        let options = RandomFeaturesOptions::default().with_features(32).with_seed(seed);
        let features = RandomFeatures::fit(x.view(), &options).unwrap();
        let mut sums = features.no_rows();
        features.observe_rows(y.view(), &mut sums).unwrap();
        features.test(&sums).unwrap().p_value
    };
    nominal(alarms(600, correlated(200, 10, 3), p_value), 600);
    nominal(alarms(600, correlated(150, 150, 20), p_value), 600);
    nominal(alarms(600, tied(200, 30), p_value), 600);
}

#[test]
fn embeddings() {
    // More rows than columns, and fewer than columns in a half.
    for (n, m, d, mean) in [(300, 20, 4, 4.0), (200, 200, 16, 4.0), (100, 40, 60, 20.0)] {
        let shifted =
            move |random: &mut SplitMix64| correlated(n, m, d)(random).map(|rows| rows + mean);
        let fit = |x: &Array2<f64>, y: &Array2<f64>, seed| {
            let options = EmbeddingOptions::default().with_simulations(99).with_seed(seed);
            let reference = EmbeddingReference::fit(x.view(), &options).unwrap();
            let mut window = reference.no_rows();
            window.observe_rows(y.view()).unwrap();
            (reference, window)
        };
        let mahalanobis = |x: &Array2<f64>, y: &Array2<f64>, seed| {
            let (reference, window) = fit(x, y, seed);
            reference.mahalanobis(&window).unwrap().test.p_value
        };
        nominal(alarms(300, shifted, mahalanobis), 300);
        // The threshold in place of the probability.
        let cosine = |x: &Array2<f64>, y: &Array2<f64>, seed| {
            let (reference, window) = fit(x, y, seed);
            let distance = reference.cosine(&window).unwrap().test.statistic;
            let threshold = reference.cosine_threshold(window.rows(), 0.05).unwrap();
            f64::from(u8::from(distance < threshold))
        };
        nominal(alarms(300, shifted, cosine), 300);
    }
}

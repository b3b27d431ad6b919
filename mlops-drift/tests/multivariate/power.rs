//! How often each test finds what it is for: a shift, a change of scale, a change of correlation.

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

const ROUNDS: u64 = 40;
const COLUMNS: usize = 6;

/// In how many of 40 rounds the probability is at most 5 %, of 150 rows and 150 changed ones.
fn found(
    change: fn(&mut Array2<f64>),
    p_value: impl Fn(&Array2<f64>, &Array2<f64>, u64) -> f64,
) -> u64 {
    let mut random = SplitMix64(7);
    (0..ROUNDS)
        .map(|round| {
            let x = random.independent(150, COLUMNS) + 1.0;
            let mut y = random.independent(150, COLUMNS) + 1.0;
            change(&mut y);
            u64::from(p_value(&x, &y, round) <= 0.05)
        })
        .sum()
}

/// One column by 0.7 deviations.
fn shift(rows: &mut Array2<f64>) {
    rows.column_mut(2).map_inplace(|value| *value += 0.4);
}

/// All columns by two fifths, about their mean.
fn scale(rows: &mut Array2<f64>) {
    rows.map_inplace(|value| *value = 1.0 + 1.4 * (*value - 1.0));
}

/// All columns with the first; mean and variance of each stay.
fn correlation(rows: &mut Array2<f64>) {
    for mut row in rows.rows_mut() {
        let first = row[0] - 1.0;
        row.iter_mut().skip(1).for_each(|value| *value = 1.0 + 0.8 * first + 0.6 * (*value - 1.0));
    }
}

fn permutation(seed: u64) -> PermutationOptions {
    PermutationOptions::default().with_permutations(59).with_seed(seed)
}

fn mmd_p(x: &Array2<f64>, y: &Array2<f64>, seed: u64) -> f64 {
    let options = MmdOptions::default().with_permutation(permutation(seed));
    mmd::test(x.view(), y.view(), &options).unwrap().test.p_value
}

fn lsdd_p(x: &Array2<f64>, y: &Array2<f64>, seed: u64) -> f64 {
    let options = LsddOptions::default().with_permutation(permutation(seed));
    lsdd::test(x.view(), y.view(), &options).unwrap().test.p_value
}

fn features_p(x: &Array2<f64>, y: &Array2<f64>, seed: u64) -> f64 {
    let options = RandomFeaturesOptions::default().with_features(128).with_seed(seed);
    let features = RandomFeatures::fit(x.view(), &options).unwrap();
    let mut sums = features.no_rows();
    features.observe_rows(y.view(), &mut sums).unwrap();
    features.test(&sums).unwrap().p_value
}

fn classifier_p(terms: Terms) -> impl Fn(&Array2<f64>, &Array2<f64>, u64) -> f64 {
    move |x, y, seed| {
        let options = DomainClassifierOptions::default().with_terms(terms).with_seed(seed);
        domain_classifier::test(x.view(), y.view(), &options).unwrap().test.p_value
    }
}

#[test]
fn what_finds_any_difference_finds_each() {
    for change in [shift, scale, correlation] {
        for p_value in [mmd_p, lsdd_p, features_p] {
            let found = found(change, p_value);
            assert!(found >= 36, "{found} of {ROUNDS}");
        }
    }
}

#[test]
fn a_classifier_finds_what_it_looks_at() {
    assert!(found(shift, classifier_p(Terms::Linear)) >= 36);
    for change in [scale, correlation] {
        assert!(found(change, classifier_p(Terms::Linear)) <= 8);
        assert!(found(change, classifier_p(Terms::Quadratic)) >= 36);
    }
}

#[test]
fn a_mean_finds_a_shift_of_an_embedding() {
    let reference = |x: &Array2<f64>, y: &Array2<f64>, seed| {
        let options = EmbeddingOptions::default().with_simulations(99).with_seed(seed);
        let reference = EmbeddingReference::fit(x.view(), &options).unwrap();
        let mut window = reference.no_rows();
        window.observe_rows(y.view()).unwrap();
        (reference, window)
    };
    let mahalanobis = |x: &Array2<f64>, y: &Array2<f64>, seed| {
        let (reference, window) = reference(x, y, seed);
        reference.mahalanobis(&window).unwrap().test.p_value
    };
    let cosine = |x: &Array2<f64>, y: &Array2<f64>, seed| {
        let (reference, window) = reference(x, y, seed);
        reference.cosine(&window).unwrap().test.p_value
    };
    assert!(found(shift, mahalanobis) >= 36);
    assert!(found(shift, cosine) >= 36);
    for change in [scale, correlation] {
        assert!(found(change, mahalanobis) <= 12);
    }
}

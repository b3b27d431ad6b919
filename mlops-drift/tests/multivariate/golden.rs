//! Values of scikit-learn and of formulas written out, computed by `make_golden.py`.

use std::collections::BTreeMap;

use mlops_core::stats::Alternative;
use mlops_drift::{
    multivariate::{
        Bandwidth, Moments, Standardizer,
        domain_classifier::{self, DomainClassifier, DomainClassifierOptions, Term, Terms},
        lsdd::{self, LsddOptions},
        median_distance,
        mmd::{self, MmdOptions},
    },
    ndarray::{Array2, Axis, concatenate, s},
    stats::{Sample, mann_whitney, permutation::PermutationOptions},
};
use serde::Deserialize;

use crate::rows::SplitMix64;

#[derive(Debug, Deserialize)]
struct Golden {
    samples: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    seed: u64,
    reference: usize,
    current: usize,
    columns: usize,
    shift: f64,
    bandwidth: f64,
    mmd: f64,
    mmd_narrow: f64,
    scaled: Vec<f64>,
    lsdd_bandwidth: f64,
    /// By the exponent of the regularisation.
    lsdd: BTreeMap<i32, f64>,
    linear: Vec<f64>,
    quadratic: Vec<f64>,
    intensity: f64,
    shrunk: Vec<f64>,
    stratified: (f64, f64),
}

impl Case {
    fn rows(&self) -> (Array2<f64>, Array2<f64>) {
        let mut random = SplitMix64(self.seed);
        let reference = random.rows(self.reference, self.columns);
        let current = random.rows(self.current, self.columns) + self.shift;
        (reference, current)
    }

    fn pooled(&self) -> Array2<f64> {
        let (reference, current) = self.rows();
        concatenate(Axis(0), &[reference.view(), current.view()]).unwrap()
    }
}

fn cases() -> Vec<Case> {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_eq!(golden.samples.len(), 4);
    golden.samples
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found} {expected}");
}

#[test]
fn maximum_mean_discrepancies_are_their_formula() {
    for case in cases() {
        let (reference, current) = case.rows();
        let few = PermutationOptions::default().with_permutations(3);
        let options = MmdOptions::default().with_permutation(few);
        let found = mmd::test(reference.view(), current.view(), &options).unwrap();
        close(found.bandwidth, case.bandwidth, 1e-12);
        close(found.test.statistic, case.mmd, 1e-13);
        close(median_distance(case.pooled().view(), 5).unwrap(), case.bandwidth, 1e-12);
        let narrow = options.with_bandwidth(Bandwidth::Fixed(0.7));
        let found = mmd::test(reference.view(), current.view(), &narrow).unwrap();
        assert_eq!(found.bandwidth, 0.7);
        close(found.test.statistic, case.mmd_narrow, 1e-13);
    }
}

#[test]
fn a_scale_is_that_of_scikit_learn() {
    for case in cases() {
        let pooled = case.pooled();
        let scaled = Standardizer::fit(pooled.view()).unwrap().apply(pooled.view()).unwrap();
        for (found, expected) in scaled.row(pooled.nrows() - 1).iter().zip(&case.scaled) {
            close(*found, *expected, 1e-12);
        }
    }
}

#[test]
fn density_differences_are_their_formula() {
    for case in cases() {
        let (reference, current) = case.rows();
        // All rows are centres.
        let options = LsddOptions::default()
            .with_kernels(2000)
            .with_permutation(PermutationOptions::default().with_permutations(20));
        let found = lsdd::test(reference.view(), current.view(), &options).unwrap();
        close(found.bandwidth, case.lsdd_bandwidth, 1e-12);
        let exponent = found.regularization.log10().round() as i32;
        let expected = case.lsdd.get(&exponent).unwrap();
        close(found.test.statistic / expected, 1.0, 1e-8);
    }
}

#[test]
fn weights_are_those_of_scikit_learn() {
    for case in cases() {
        let (reference, current) = case.rows();
        let options = DomainClassifierOptions::default().with_l2(10.0);
        let found = domain_classifier::test(reference.view(), current.view(), &options).unwrap();
        assert_eq!(found.weights.len(), case.columns);
        for (column, expected) in case.linear.iter().enumerate() {
            close(weight(&found, Term::Column(column)), *expected, 1e-8);
        }
        if case.quadratic.is_empty() {
            continue;
        }
        let options = options.with_terms(Terms::Quadratic).with_l2(1.0);
        let found = domain_classifier::test(reference.view(), current.view(), &options).unwrap();
        assert_eq!(found.weights.len(), case.quadratic.len());
        let columns = (0..case.columns).map(Term::Column);
        let products =
            (0..case.columns).flat_map(|i| (i..case.columns).map(move |j| Term::Product(i, j)));
        for (term, expected) in columns.chain(products).zip(&case.quadratic) {
            close(weight(&found, term), *expected, 1e-8);
        }
        assert!(found.weights.is_sorted_by(|a, b| a.weight.abs() >= b.weight.abs()));
    }
}

fn weight(found: &DomainClassifier, term: Term) -> f64 {
    found.weights.iter().find(|weight| weight.term == term).unwrap().weight
}

#[test]
fn shrunk_covariances_are_those_of_scikit_learn() {
    for case in cases() {
        let mut moments = Moments::new(case.columns);
        moments.observe_rows(case.pooled().view()).unwrap();
        let shrunk = moments.shrunk_covariance().unwrap();
        close(shrunk.intensity, case.intensity, 1e-11);
        for (found, expected) in shrunk.matrix.row(0).iter().zip(&case.shrunk) {
            close(*found, *expected, 1e-12);
        }
    }
}

#[test]
fn strata_are_compared_within_themselves() {
    let sample = |rows: &Array2<f64>, fold: usize| {
        let values = rows.slice(s![fold..;3, 0]).map(|value| (value * 10.0).round() / 10.0);
        Sample::new("values", values.to_vec()).unwrap()
    };
    for case in cases() {
        let (reference, current) = case.rows();
        let pairs: Vec<_> =
            (0..3).map(|fold| (sample(&reference, fold), sample(&current, fold))).collect();
        let found = mann_whitney::stratified(&pairs, Alternative::TwoSided);
        close(found.statistic, case.stratified.0, 1e-13);
        close(found.p_value / case.stratified.1, 1.0, 1e-11);
        let normal = mann_whitney::MannWhitneyOptions::default()
            .with_method(mann_whitney::MannWhitneyMethod::Normal);
        let one = mann_whitney::test(&pairs[0].0, &pairs[0].1, normal).unwrap();
        assert_eq!(mann_whitney::stratified(&pairs[..1], Alternative::TwoSided), one);
    }
    assert_eq!(mann_whitney::stratified(&[], Alternative::Greater).p_value, 1.0);
}

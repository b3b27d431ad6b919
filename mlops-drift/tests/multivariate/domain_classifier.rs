//! The classifier's hints, and its folds.

use mlops_drift::multivariate::domain_classifier::{self, DomainClassifierOptions, Term, Terms};

use crate::rows::SplitMix64;

#[test]
fn it_leans_on_what_has_changed() {
    let mut random = SplitMix64(1);
    let reference = random.independent(300, 5);
    let mut current = random.independent(300, 5);
    current.column_mut(3).map_inplace(|value| *value -= 0.5);
    let options = DomainClassifierOptions::default();
    let found = domain_classifier::test(reference.view(), current.view(), &options).unwrap();
    assert_eq!(found.weights[0].term, Term::Column(3));
    assert!(found.weights[0].weight < 3.0 * -found.weights[1].weight.abs());
    // A shift of 0.87 deviations.
    assert!((found.test.statistic - 0.73).abs() < 0.05, "{found:?}");
    assert!(found.test.p_value < 1e-9, "{found:?}");

    let mut current = random.independent(300, 5);
    for mut row in current.rows_mut() {
        row[1] = 0.8 * row[4] + 0.6 * row[1];
    }
    let options = options.with_terms(Terms::Quadratic);
    let found = domain_classifier::test(reference.view(), current.view(), &options).unwrap();
    assert_eq!(found.weights[0].term, Term::Product(1, 4));
    assert!(found.weights[0].weight > 0.0 && found.test.p_value < 1e-6, "{found:?}");
}

#[test]
fn rows_that_differ_in_nothing_are_not_told_apart() {
    let ones = SplitMix64(2).rows(1, 3).broadcast((20, 3)).unwrap().to_owned();
    let options = DomainClassifierOptions::default();
    let found = domain_classifier::test(ones.view(), ones.view(), &options).unwrap();
    assert_eq!((found.test.statistic, found.test.p_value), (0.5, 1.0));
    assert!(found.weights.iter().all(|weight| weight.weight == 0.0), "{found:?}");
}

#[test]
fn rows_that_differ_in_all_are_told_apart() {
    let mut random = SplitMix64(3);
    let reference = random.rows(50, 2);
    for (terms, columns) in [(Terms::Linear, 2), (Terms::Quadratic, 5)] {
        let current = random.rows(60, 2) + 100.0;
        let options = DomainClassifierOptions::default().with_terms(terms);
        let found = domain_classifier::test(reference.view(), current.view(), &options).unwrap();
        assert!(found.test.statistic == 1.0 && found.test.p_value < 1e-12, "{found:?}");
        assert_eq!(found.weights.len(), columns);
    }
}

#[test]
fn one_wild_value_hides_nothing() {
    let mut random = SplitMix64(4);
    let mut reference = random.independent(200, 3);
    reference[[17, 1]] = 1e9;
    let mut current = random.independent(200, 3);
    current.column_mut(1).map_inplace(|value| *value += 0.4);
    let options = DomainClassifierOptions::default();
    let found = domain_classifier::test(reference.view(), current.view(), &options).unwrap();
    assert!(found.weights[0].term == Term::Column(1) && found.test.p_value < 1e-4, "{found:?}");
}

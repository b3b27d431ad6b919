//! The rule: chance does not explain it, and it matters.

use mlops_drift::{
    compare::{
        Aspect, CategoryCounts, CompareOptions, Comparer, Comparison, FeatureComparison, Measure,
        Method, Verdict,
    },
    profile::Column,
};

use crate::data::{Random, by_profiles, by_values, texts};

fn default() -> CompareOptions {
    CompareOptions::default()
}

fn only(comparison: &Comparison) -> &FeatureComparison {
    assert_eq!(comparison.features.len(), 1);
    &comparison.features[0]
}

#[test]
fn a_large_shift_is_drift_and_a_small_one_is_not_however_many_rows_show_it() {
    let mut random = Random::new(1);
    let reference = random.normals(20_000, 0.0, 1.0);
    for (shift, expected) in
        [(0.0, Verdict::NoDrift), (0.1, Verdict::NoDrift), (0.5, Verdict::Drift)]
    {
        let current = random.normals(20_000, shift, 1.0);
        let [values, profiles] = [
            by_values(&reference, &current, &default()),
            by_profiles(Column::numeric(&reference), Column::numeric(&current), &default()),
        ];
        assert_eq!([values.verdict, profiles.verdict], [expected; 2], "{shift}");
        let found = only(&values).evidence[0];
        // The small one is there beyond doubt; it does not matter.
        assert_eq!(found.adjusted_p_value < 1e-6, shift > 0.0, "{found:?}");
        assert_eq!(
            [found.method, only(&profiles).evidence[0].method],
            [Method::Ks, Method::BinnedKs]
        );
    }
}

#[test]
fn few_rows_that_differ_by_chance_are_insufficient_and_few_that_differ_beyond_it_are_drift() {
    let mut random = Random::new(2);
    let reference = random.normals(5000, 0.0, 1.0);
    let few = random.normals(30, 0.0, 1.0);
    let same = by_values(&reference, &few, &default());
    let found = only(&same).evidence[0];
    assert!(found.effect.value > found.effect.threshold, "chance alone: {found:?}");
    assert_eq!(same.verdict, Verdict::Insufficient);
    assert!(only(&same).reason.as_ref().unwrap().contains("30 values"));
    let moved = random.normals(30, 2.0, 1.0);
    assert_eq!(by_values(&reference, &moved, &default()).verdict, Verdict::Drift);
}

#[test]
fn a_column_that_is_nearly_empty_has_drifted_though_what_is_left_has_not() {
    let mut random = Random::new(33);
    let reference = random.normals(2000, 0.0, 1.0);
    let left = random.normals(100, 0.0, 1.0);
    let current = Column::Numeric { values: &left, nulls: 1900 };
    let comparison = by_profiles(Column::numeric(&reference), current, &default());
    let feature = only(&comparison);
    assert_eq!(feature.verdict, Verdict::Drift);
    let nulls = feature.evidence.iter().find(|found| found.aspect == Aspect::Nulls).unwrap();
    assert_eq!((nulls.verdict, nulls.effect.measure), (Verdict::Drift, Measure::ShareDifference));
    assert_eq!((nulls.method, nulls.effect.value), (Method::ProportionsZ, 0.95));
    let rest = feature.evidence.iter().find(|found| found.aspect == Aspect::Distribution).unwrap();
    assert_ne!(rest.verdict, Verdict::Drift);
}

#[test]
fn a_column_that_is_all_null_has_drifted_and_one_that_always_was_says_nothing() {
    let empty = Column::Numeric { values: &[], nulls: 1000 };
    let values: Vec<f64> = (0..1000).map(f64::from).collect();
    let now = by_profiles(Column::numeric(&values), empty, &default());
    assert_eq!(now.verdict, Verdict::Drift);
    let back = by_profiles(empty, Column::numeric(&values), &default());
    assert_eq!(back.verdict, Verdict::Drift);
    let always = by_profiles(empty, empty, &default());
    assert_eq!(always.verdict, Verdict::Insufficient);
    assert!(only(&always).evidence.is_empty());
    assert_eq!(
        only(&always).reason.as_deref(),
        Some("neither the reference nor the current data has values")
    );
}

#[test]
fn values_that_are_not_finite_are_drift_and_are_told_from_nulls() {
    let reference: Vec<f64> = (0..1000).map(|row| f64::from(row % 97)).collect();
    let mut current = reference.clone();
    for value in current.iter_mut().step_by(4) {
        *value = if *value > 50.0 { f64::NAN } else { f64::INFINITY };
    }
    for comparison in [
        by_values(&reference, &current, &default()),
        by_profiles(Column::numeric(&reference), Column::numeric(&current), &default()),
    ] {
        let feature = only(&comparison);
        let drifted = feature.evidence.iter().filter(|found| found.verdict == Verdict::Drift);
        assert_eq!(drifted.map(|found| found.aspect).collect::<Vec<_>>(), [Aspect::NotFinite]);
        assert_eq!((feature.current.not_finite, feature.current.nulls), (250, 0));
    }
}

#[test]
fn one_outlier_does_not_hide_a_shift() {
    let mut random = Random::new(4);
    let mut reference = random.normals(1000, 0.0, 1.0);
    reference[0] = 1e9;
    let current = random.normals(1000, 1.0, 1.0);
    for comparison in [
        by_values(&reference, &current, &default()),
        by_profiles(Column::numeric(&reference), Column::numeric(&current), &default()),
    ] {
        let feature = only(&comparison);
        assert_eq!(feature.verdict, Verdict::Drift);
        assert!(feature.evidence[0].effect.value > 0.3);
        assert!(feature.distances.psi.unwrap() > 0.5, "{:?}", feature.distances);
    }
}

#[test]
fn a_category_that_was_never_there_is_drift() {
    let mut random = Random::new(5);
    let reference = random.categories(1000, 5);
    let mut current = random.categories(1000, 5);
    for value in current.iter_mut().step_by(12) {
        *value = "new".to_owned();
    }
    let (first, second) = (texts(&reference), texts(&current));
    let comparison =
        by_profiles(Column::categorical(&first), Column::categorical(&second), &default());
    let feature = only(&comparison);
    let unseen = feature.evidence.iter().find(|found| found.aspect == Aspect::Unseen).unwrap();
    assert_eq!(unseen.verdict, Verdict::Drift);
    assert_eq!(feature.current.unseen, 84);
}

#[test]
fn identifiers_are_always_others_and_no_drift() {
    let mut comparer = Comparer::new(&default(), 1500, 1500).unwrap();
    let [october, november] = ["2026-10", "2026-11"].map(|month| {
        let mut counts = CategoryCounts::new(0);
        (0..1500).for_each(|row| counts.add(&format!("{month}-{row}"), 1));
        counts
    });
    comparer.categories("order", &october, &november).unwrap();
    let comparison = comparer.finish().unwrap();
    let feature = only(&comparison);
    assert_eq!(feature.verdict, Verdict::Insufficient);
    assert_eq!(
        feature.reason.as_deref(),
        Some("each category of the reference is too rare to be tested")
    );
}

#[test]
fn few_different_numbers_are_compared_as_categories() {
    let coin = |rows: usize, every: usize| -> Vec<f64> {
        (0..rows).map(|row| if row % every == 0 { 1.0 } else { 0.0 }).collect()
    };
    // The Kolmogorov–Smirnov test is blind to a difference as small as this one.
    let (reference, current) = (coin(1000, 10), coin(1000, 7));
    let options = default().with_min_effect(0.04);
    for comparison in [
        by_values(&reference, &current, &options),
        by_profiles(Column::numeric(&reference), Column::numeric(&current), &options),
    ] {
        let found = only(&comparison).evidence[0];
        assert_eq!((found.method, found.verdict), (Method::ChiSquare, Verdict::Drift), "{found:?}");
    }
}

#[test]
fn severity_is_how_often_the_threshold_goes_into_what_chance_does_not_explain() {
    let mut random = Random::new(66);
    let reference = random.normals(2000, 0.0, 1.0);
    let same = random.normals(2000, 0.0, 1.0);
    let moved = random.normals(2000, 1.0, 1.0);
    let severity =
        |current: &[f64]| only(&by_values(&reference, current, &default())).severity(0.05);
    assert_eq!(severity(&same), Some(0.0));
    let found = severity(&moved).unwrap();
    assert!((found - 3.8).abs() < 0.5, "{found}");
    assert_eq!(severity(&same[..20]), None);
    let comparison = by_values(&reference, &moved, &default());
    let readings = comparison.readings();
    assert_eq!((readings.len(), readings[0].value), (2, Some(found)));
    assert_eq!(readings[0].labels["feature"], "x");
    assert_eq!((readings[1].kind.as_str(), readings[1].value), ("drifted_features", Some(1.0)));
}

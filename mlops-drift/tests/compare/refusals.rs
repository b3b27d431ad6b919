//! What cannot be compared.

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    compare::{CategoryCounts, CompareOptions, Comparer, FeatureKind, Numbers, Verdict, compare},
    profile::{Column, Origin, Profile, ProfileOptions},
};

fn profile(source: &str, column: Column<'_>) -> Profile {
    let origin = Origin::new(source, Timestamp::EPOCH);
    Profile::fit(&[("x", column)], origin, &ProfileOptions::default()).unwrap()
}

#[test]
fn options_out_of_their_range_are_refused_by_name() {
    let default = CompareOptions::default();
    for (options, message) in [
        (default.with_alpha(0.0), "invalid alpha: 0 is not between 0 and 1"),
        (default.with_alpha(f64::NAN), "invalid alpha: NaN is not between 0 and 1"),
        (default.with_min_effect(0.0), "invalid min_effect: 0 is not above 0 and at most 1"),
        (default.with_min_share(1.5), "invalid min_share: 1.5 is not above 0 and at most 1"),
    ] {
        assert_eq!(Comparer::new(&options, 1, 1).unwrap_err().to_string(), message);
    }
    let unknown = serde_json::from_str::<CompareOptions>(r#"{"aplha":0.1}"#).unwrap_err();
    assert!(unknown.to_string().contains("aplha"), "{unknown}");
}

#[test]
fn profiles_of_different_references_are_refused() {
    let values = [1.0, 2.0, 3.0];
    let first = profile("a", Column::numeric(&values));
    let second = profile("b", Column::numeric(&values));
    let error = compare(&first, &second, &CompareOptions::default()).unwrap_err();
    assert!(error.to_string().contains("the reference is `a`"), "{error}");
    let text = profile("a", Column::categorical(&["1", "2", "3"]));
    let error = compare(&first, &text, &CompareOptions::default()).unwrap_err();
    assert!(error.to_string().contains("feature `x`: numeric in one"), "{error}");
}

#[test]
fn a_window_without_rows_is_insufficient() {
    let reference = profile("a", Column::numeric(&[1.0, 2.0, 3.0]));
    let comparison =
        compare(&reference, &reference.empty_like(), &CompareOptions::default()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Insufficient);
    assert_eq!(comparison.features[0].reason.as_deref(), Some("the current data has no rows"));
}

#[test]
fn a_feature_that_failed_is_an_error_unless_another_drifted() {
    let mut comparer = Comparer::new(&CompareOptions::default(), 500, 500).unwrap();
    comparer.failed("plan", FeatureKind::Categorical, "the current data has no such column");
    comparer.unexpected("city");
    let comparison = comparer.finish().unwrap();
    assert_eq!(comparison.verdict, Verdict::Error);
    assert_eq!(comparison.unexpected, ["city"]);

    let mut comparer = Comparer::new(&CompareOptions::default(), 500, 500).unwrap();
    comparer.failed("plan", FeatureKind::Categorical, "the current data has no such column");
    let numbers =
        |from: f64| Numbers::new((0..500).map(|row| from + f64::from(row)).collect(), 0).unwrap();
    comparer.numbers("age", &numbers(0.0), &numbers(400.0)).unwrap();
    let comparison = comparer.finish().unwrap();
    assert_eq!(comparison.verdict, Verdict::Drift);
    assert_eq!(comparison.feature("plan").unwrap().verdict, Verdict::Error);
    assert_eq!(comparison.drifted_share(), 0.5);
}

#[test]
fn no_features_are_insufficient() {
    let comparer = Comparer::new(&CompareOptions::default(), 0, 0).unwrap();
    let comparison = comparer.finish().unwrap();
    assert_eq!((comparison.verdict, comparison.drifted_share()), (Verdict::Insufficient, 0.0));
}

#[test]
fn more_rows_than_can_be_counted_are_refused() {
    let error = |result: mlops_core::Result<()>| result.unwrap_err().to_string();
    let comparer = || Comparer::new(&CompareOptions::default(), 1, 1).unwrap();
    let (one, many) = (Numbers::new(vec![1.0], 0), Numbers::new(vec![1.0, f64::NAN], u64::MAX));
    let (one, many) = (one.unwrap(), many.unwrap());
    assert_eq!(many.rows(), u64::MAX);
    for (reference, current) in [(&one, &many), (&many, &one)] {
        let said = error(comparer().numbers("x", reference, current));
        assert!(said.starts_with("invalid rows: feature `x` has"), "{said}");
    }
    let mut counts = CategoryCounts::new(0);
    counts.add("a", 1 << 60);
    counts.add("b", u64::MAX);
    let said = error(comparer().categories("x", &counts, &counts));
    assert!(said.starts_with("invalid rows: feature `x` has"), "{said}");
    let reference = profile("a", Column::numeric(&[1.0, 2.0, 3.0]));
    let mut current = reference.clone();
    for _ in 0..70 {
        let again = current.clone();
        current.merge(&again).unwrap();
    }
    let said = error(compare(&reference, &current, &CompareOptions::default()).map(drop));
    assert!(said.starts_with("invalid rows: feature `x` has"), "{said}");
}

//! Whatever comes: a verdict or a typed error.

use std::fs;

use mlops_core::{Error, progress::NoProgress, timestamp::Timestamp};
use mlops_drift::{
    compare::{CompareOptions, FeatureComparison, FeatureKind, Verdict},
    frame::{self, FrameOptions, polars::prelude::*},
    profile::Origin,
};

use super::data::{compare, compare_column, frame, named, uniform, verdicts};

fn column(values: Vec<f64>) -> Column {
    Column::new("x".into(), values)
}

fn origin() -> Origin {
    Origin::new("data", Timestamp::EPOCH)
}

fn reason(feature: &FeatureComparison) -> &str {
    feature.reason.as_deref().unwrap()
}

#[test]
fn a_frame_without_rows_is_insufficient() {
    let full = column(uniform(1, 500));
    for (reference, current, expected) in [
        (full.clone(), full.clear(), "the current data has no rows"),
        (full.clear(), full.clone(), "the reference has no rows"),
        (full.clear(), full.clear(), "neither the reference nor the current data has values"),
    ] {
        let feature = compare_column(reference, current);
        assert_eq!((feature.verdict, reason(&feature)), (Verdict::Insufficient, expected));
    }
    let error = frame::profile(&frame(vec![full.clear()]), origin(), &FrameOptions::default());
    assert_eq!(error.unwrap_err().to_string(), "invalid frame: a reference has at least one row");
}

#[test]
fn a_frame_without_columns_is_refused() {
    let (none, some) = (DataFrame::empty().lazy(), frame(vec![column(vec![1.0])]));
    for (reference, current, expected) in [
        (&none, &some, "invalid reference: it has no columns"),
        (&some, &none, "invalid current: it has no columns"),
    ] {
        let error = compare(reference, current, &FrameOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn one_row_is_insufficient() {
    let feature = compare_column(column(vec![1.0]), column(vec![2.0]));
    assert_eq!(feature.verdict, Verdict::Insufficient);
}

#[test]
fn constants_differ_or_do_not() {
    let constant = |value: f64| column(vec![value; 500]);
    assert_eq!(compare_column(constant(1.0), constant(1.0)).verdict, Verdict::NoDrift);
    assert_eq!(compare_column(constant(1.0), constant(2.0)).verdict, Verdict::Drift);
}

#[test]
fn nothing_but_nulls_is_a_drift_of_nulls_whatever_its_type() {
    let nulls = |data_type: &DataType| Column::full_null("x".into(), 500, data_type);
    let numbers = column(uniform(1, 500));
    let texts = Column::new("x".into(), named(&uniform(1, 500), &["a", "b"]));
    for full in [numbers, texts] {
        for data_type in [full.dtype(), &DataType::Null] {
            let feature = compare_column(full.clone(), nulls(data_type));
            assert_eq!(feature.verdict, Verdict::Drift, "{feature:?}");
            assert_eq!(compare_column(nulls(data_type), full.clone()).verdict, Verdict::Drift);
        }
    }
    let feature = compare_column(nulls(&DataType::Null), nulls(&DataType::Null));
    assert_eq!(feature.verdict, Verdict::Insufficient);
}

#[test]
fn nan_and_infinities_are_counted() {
    let mut values = uniform(2, 500);
    for (row, value) in values.iter_mut().enumerate() {
        match row % 10 {
            0 => *value = f64::NAN,
            1 => *value = f64::INFINITY,
            2 => *value = f64::NEG_INFINITY,
            _ => {}
        }
    }
    for options in [FrameOptions::default(), FrameOptions::default().with_max_values(10)] {
        let sides = [uniform(1, 500), values.clone()].map(|values| frame(vec![column(values)]));
        let feature = compare(&sides[0], &sides[1], &options).unwrap().features.remove(0);
        assert_eq!((feature.verdict, feature.current.not_finite), (Verdict::Drift, 150));
        // And the other way round, where there is nothing to take edges from but the finite ones.
        let feature = compare(&sides[1], &sides[0], &options).unwrap().features.remove(0);
        assert_eq!((feature.verdict, feature.reference.not_finite), (Verdict::Drift, 150));
    }
}

#[test]
fn columns_come_and_go() {
    let both = |names: [&str; 2]| {
        let columns = names.map(|name| Column::new(name.into(), uniform(1, 500)));
        frame(columns.to_vec())
    };
    let found = compare(&both(["a", "b"]), &both(["c", "b"]), &FrameOptions::default()).unwrap();
    assert_eq!(verdicts(&found), [("a", Verdict::Error), ("b", Verdict::NoDrift)]);
    assert_eq!(reason(&found.features[0]), "the current data does not have it");
    assert_eq!((found.verdict, &found.unexpected[..]), (Verdict::Error, &["c".to_owned()][..]));

    let profile = frame::profile(&both(["a", "b"]), origin(), &FrameOptions::default()).unwrap();
    let options = CompareOptions::default();
    let again =
        frame::compare_to_profile(&profile, &both(["c", "b"]), &options, &NoProgress).unwrap();
    assert_eq!(verdicts(&again), verdicts(&found));
    assert_eq!(again.unexpected, found.unexpected);
}

#[test]
fn changed_types_are_named() {
    let numbers = column(uniform(1, 500));
    let texts = Column::new("x".into(), vec!["a"; 500]);
    let dates = Column::new("x".into(), vec![1_i32; 500]).cast(&DataType::Date).unwrap();
    for (reference, current, expected) in [
        (&numbers, &texts, "f64 in the reference, str in the current data"),
        (&texts, &numbers, "str in the reference, f64 in the current data"),
        (&dates, &numbers, "date in the reference, f64 in the current data"),
    ] {
        let feature = compare_column(reference.clone(), current.clone());
        assert_eq!((feature.verdict, reason(&feature)), (Verdict::Error, expected));
    }
    let profile =
        frame::profile(&frame(vec![numbers]), origin(), &FrameOptions::default()).unwrap();
    let options = CompareOptions::default();
    let found =
        frame::compare_to_profile(&profile, &frame(vec![texts]), &options, &NoProgress).unwrap();
    assert_eq!(reason(&found.features[0]), "a number in the reference, str in the current data");
}

#[test]
fn widths_are_no_change() {
    let whole: Vec<i64> = uniform(1, 500).iter().map(|value| (value * 100.0) as i64).collect();
    let whole = Column::new("x".into(), whole);
    for data_type in [DataType::Int8, DataType::UInt32, DataType::Float32, DataType::Float64] {
        let feature = compare_column(whole.clone(), whole.cast(&data_type).unwrap());
        assert_eq!(feature.verdict, Verdict::NoDrift, "{data_type}");
    }
    let texts = Column::new("x".into(), named(&uniform(1, 500), &["a", "b"]));
    let categories = DataType::from_categories(Categories::global());
    let feature = compare_column(texts.clone(), texts.cast(&categories).unwrap());
    assert_eq!((feature.verdict, feature.kind), (Verdict::NoDrift, FeatureKind::Categorical));
}

#[test]
fn nested_columns_are_not_compared() {
    let lists = frame(vec![column(uniform(1, 10))])
        .select([concat_list([col("x"), col("x")]).unwrap().alias("pair"), col("x")]);
    let found = compare(&lists, &lists, &FrameOptions::default()).unwrap();
    assert_eq!(found.features[0].verdict, Verdict::Error);
    assert_eq!(reason(&found.features[0]), "columns of type list[f64] are not compared");
    let error = frame::profile(&lists, origin(), &FrameOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid columns: `pair`: columns of type list[f64] are not compared"
    );
    let options = FrameOptions::default().with_exclude(["pair"]);
    assert_eq!(compare(&lists, &lists, &options).unwrap().features.len(), 1);
}

#[test]
fn options_name_columns_that_are_there_and_can_be_that() {
    let data = frame(vec![column(uniform(1, 10)), Column::new("s".into(), vec!["a"; 10])]);
    let options = FrameOptions::default;
    for (options, expected) in [
        (options().with_include(["y"]), "invalid include: there is no column `y`"),
        (options().with_exclude(["y"]), "invalid exclude: there is no column `y`"),
        (options().with_categorical(["y"]), "invalid categorical: there is no column `y`"),
        (options().with_numeric(["y"]), "invalid numeric: there is no column `y`"),
        (options().with_numeric(["s"]), "invalid numeric: `s` is str"),
        (
            options().with_numeric(["x"]).with_categorical(["x"]),
            "invalid numeric: `x` is among the categorical ones too",
        ),
        (options().with_max_categories(0), "invalid max_categories: 0 is not at least 1"),
        (
            options().with_exclude(["x", "s"]),
            "invalid columns: the reference has none that are looked at",
        ),
        (
            options().with_compare(CompareOptions::default().with_alpha(0.0)),
            "invalid alpha: 0 is not between 0 and 1",
        ),
    ] {
        assert_eq!(compare(&data, &data, &options).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing.parquet");
    let missing =
        LazyFrame::scan_parquet(path.to_str().unwrap().into(), Default::default()).unwrap();
    let there = frame(vec![column(vec![1.0])]);
    let error = compare(&there, &missing, &FrameOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NotFound { kind: "file", .. }), "{error:?}");
    assert!(error.to_string().contains("nothing.parquet"), "{error}");
}

#[test]
fn a_file_that_is_no_parquet_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.parquet");
    fs::write(&path, "this is not a Parquet file, though it is long enough to be one").unwrap();
    let text = LazyFrame::scan_parquet(path.to_str().unwrap().into(), Default::default()).unwrap();
    let there = frame(vec![column(vec![1.0])]);
    let error = compare(&there, &text, &FrameOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Backend { backend: "polars", .. }), "{error:?}");
}

#[test]
fn an_error_in_the_middle_of_a_scan_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    let mut rows: String = (0..5000).map(|row| format!("{row},a\n")).collect();
    rows.insert_str(0, "x,s\n");
    rows.push_str("seven,a\n");
    fs::write(&path, rows).unwrap();
    // Numbers, as the first hundred rows have it.
    let csv = LazyCsvReader::new(path.to_str().unwrap().into()).finish().unwrap();
    for options in [FrameOptions::default(), FrameOptions::default().with_max_values(10)] {
        let error = compare(&csv, &csv, &options).unwrap_err();
        assert!(matches!(error, Error::Backend { backend: "polars", .. }), "{error:?}");
    }
}

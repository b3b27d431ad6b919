//! Evidently's choices and numbers.

use std::collections::BTreeMap;

use mlops_core::progress::NoProgress;
use mlops_drift::frame::{
    evidently::{EvidentlyMethod, EvidentlyOptions, EvidentlyReport, EvidentlyType, report},
    polars::prelude::*,
};
use serde::Deserialize;
use serde_json::Value;

use super::data::{frame, uniform};

#[derive(Deserialize)]
struct Case {
    name: String,
    options: Options,
    reference: BTreeMap<String, Vec<Value>>,
    current: BTreeMap<String, Vec<Value>>,
    columns: BTreeMap<String, Found>,
    summary: Summary,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Options {
    method: Option<EvidentlyMethod>,
    num_method: Option<EvidentlyMethod>,
    num_threshold: Option<f64>,
    cat_method: Option<EvidentlyMethod>,
    cat_threshold: Option<f64>,
    drift_share: Option<f64>,
}

#[derive(Deserialize)]
struct Found {
    method: String,
    threshold: f64,
    score: f64,
    drifted: bool,
    r#type: String,
}

#[derive(Deserialize)]
struct Summary {
    count: u64,
    share: f64,
    dataset_drift: bool,
}

/// As pandas would have read it, except that integers with nulls stay integers.
fn column(name: &str, values: &[Value]) -> Column {
    let all = |is: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || is(value));
    let name = name.into();
    if all(Value::is_boolean) {
        Column::new(name, values.iter().map(Value::as_bool).collect::<Vec<_>>())
    } else if all(Value::is_i64) {
        Column::new(name, values.iter().map(Value::as_i64).collect::<Vec<_>>())
    } else if all(|value| value.is_number() || value == "inf" || value == "-inf") {
        let number = |value: &Value| match value.as_str() {
            Some(infinity) => infinity.parse().ok(),
            None => value.as_f64(),
        };
        Column::new(name, values.iter().map(number).collect::<Vec<Option<f64>>>())
    } else {
        Column::new(name, values.iter().map(Value::as_str).collect::<Vec<_>>())
    }
}

fn options(case: &Options) -> EvidentlyOptions {
    let mut options = EvidentlyOptions::default();
    options.numeric_method = case.num_method.or(case.method);
    options.categorical_method = case.cat_method.or(case.method);
    options.numeric_threshold = case.num_threshold;
    options.categorical_threshold = case.cat_threshold;
    options.drift_share = case.drift_share.unwrap_or(options.drift_share);
    options
}

#[test]
fn every_choice_and_number_is_evidentlys() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("evidently_golden.json")).unwrap();
    let mut methods = BTreeMap::new();
    for case in &cases {
        let [reference, current] = [&case.reference, &case.current]
            .map(|side| frame(side.iter().map(|(name, values)| column(name, values)).collect()));
        let found = report(&reference, &current, &options(&case.options), &NoProgress).unwrap();
        let names: Vec<&str> = found.columns.iter().map(|column| &*column.name).collect();
        assert_eq!(names, case.columns.keys().collect::<Vec<_>>(), "{}", case.name);
        for column in &found.columns {
            let (expected, place) = (&case.columns[&column.name], (&case.name, &column.name));
            let (method, score) = (column.method.unwrap(), column.score.unwrap());
            let column_type = serde_json::to_value(column.column_type).unwrap();
            let kind = expected.r#type.to_lowercase();
            assert_eq!(column_type.as_str().unwrap()[..3], kind[..3], "{place:?}");
            // A method that was asked for is repeated in the word that it was asked in.
            let words = [
                method.to_string(),
                serde_json::to_value(method).unwrap().as_str().unwrap().to_owned(),
            ];
            assert!(words.contains(&expected.method), "{place:?}: {words:?}");
            assert_eq!(column.threshold.unwrap(), expected.threshold, "{place:?}");
            let error = (score - expected.score).abs();
            assert!(error <= 1e-9, "{place:?}: {score} for {}", expected.score);
            assert_eq!(column.drifted, expected.drifted, "{place:?}");
            *methods.entry(method.to_string()).or_insert(0) += 1;
        }
        assert_eq!(found.drifted_columns, case.summary.count, "{}", case.name);
        assert!((found.share_of_drifted_columns - case.summary.share).abs() < 1e-12);
        assert_eq!(found.dataset_drift, case.summary.dataset_drift, "{}", case.name);
    }
    // All five, and none by the way.
    assert_eq!(methods.len(), 5, "{methods:?}");
    assert!(methods.values().all(|columns| *columns >= 10), "{methods:?}");
}

fn of(reference: Vec<Column>, current: Vec<Column>) -> EvidentlyReport {
    let sides = [reference, current].map(frame);
    report(&sides[0], &sides[1], &EvidentlyOptions::default(), &NoProgress).unwrap()
}

#[test]
fn what_evidently_does_not_look_at_is_left_out() {
    let rows = 60;
    let counts: Vec<i64> = (0..rows).collect();
    let numbers = Column::new("kept".into(), uniform(1, rows as usize));
    let cast = |name: &str, data_type: DataType| {
        Column::new(name.into(), &counts).cast(&data_type).unwrap()
    };
    let flags = counts.iter().map(|row| (row % 3 > 0).then_some(row % 2 == 0));
    let columns = vec![
        cast("unsigned", DataType::UInt32),
        cast("date", DataType::Date),
        Column::new("flags".into(), flags.collect::<Vec<_>>()),
        Column::full_null("nothing".into(), rows as usize, &DataType::String),
        numbers,
    ];
    let found = of(columns.clone(), columns);
    let names: Vec<_> = found.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["kept"]);
}

#[test]
fn what_cannot_be_compared_has_a_reason_and_no_part_in_the_share() {
    let values = || Column::new("x".into(), uniform(1, 50));
    let ids = || {
        let ids: Vec<_> = (0..50).map(|row| format!("id {row}")).collect();
        Column::new("id".into(), ids)
    };
    let empty = || Column::full_null("empty".into(), 50, &DataType::Float64);
    let new = Column::new("new".into(), uniform(2, 50));
    let text = Column::new("mixed".into(), vec!["a"; 50]);
    let mixed = Column::new("mixed".into(), uniform(3, 50));
    let found =
        of(vec![values(), ids(), empty(), text], vec![values(), ids(), empty(), mixed, new]);
    let reasons: Vec<_> =
        found.columns.iter().map(|column| (&*column.name, column.reason.as_deref())).collect();
    assert_eq!(
        reasons,
        [
            ("x", None),
            ("id", Some("texts are not compared")),
            ("empty", Some("the reference has no values")),
            ("mixed", Some("texts on one side and numbers on the other")),
            ("new", Some("the reference does not have it")),
        ]
    );
    assert_eq!(found.columns[1].column_type, EvidentlyType::Text);
    assert_eq!((found.drifted_columns, found.share_of_drifted_columns), (0, 0.0));
}

#[test]
fn options_are_checked() {
    let data = frame(vec![Column::new("x".into(), uniform(1, 50))]);
    let default = EvidentlyOptions::default;
    for (options, expected) in [
        (default().with_columns(["y"]), "invalid columns: the current data has no `y`"),
        (default().with_drift_share(f64::NAN), "invalid drift_share: NaN is not finite"),
        (
            default().with_numeric_threshold(f64::INFINITY),
            "invalid numeric_threshold: inf is not finite",
        ),
    ] {
        let error = report(&data, &data, &options, &NoProgress).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let constant = frame(vec![Column::new("x".into(), vec![1.0; 50])]);
    let options = default().with_numeric_method(EvidentlyMethod::ChiSquare);
    // One category leaves no degree of freedom: NaN there, nothing here.
    let found = report(&constant, &constant, &options, &NoProgress).unwrap();
    assert_eq!((found.columns[0].score, found.columns[0].drifted), (None, false));
}

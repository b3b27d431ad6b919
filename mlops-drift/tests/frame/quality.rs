//! Frames are checked as the rows that they have.

use mlops_core::{Error, progress::NoProgress, timestamp::Timestamp};
use mlops_drift::{
    frame::{self, polars::prelude::*},
    quality::{
        Check, Checker, CheckerOptions, ColumnType, Expectation, Range, SchemaOptions, Suite,
        Verdict,
    },
};

use super::data::{frame, uniform};

fn checker(checks: Vec<Check>) -> Checker {
    let expectations = checks.into_iter().map(Expectation::new).collect();
    Checker::new(Suite::new("rows", expectations).unwrap(), &CheckerOptions::default()).unwrap()
}

/// A column of each type that is looked at.
fn kinds(rows: i64) -> LazyFrame {
    let counts: Vec<i64> = (0..rows).collect();
    let as_type = |name: &str, data_type: DataType| {
        Column::new(name.into(), &counts).cast(&data_type).unwrap()
    };
    let text = Column::new("text".into(), counts.iter().map(|n| n.to_string()).collect::<Vec<_>>());
    let category = DataType::from_categories(Categories::global());
    frame(vec![
        as_type("i8", DataType::Int64),
        as_type("u64", DataType::UInt64),
        as_type("f32", DataType::Float32),
        as_type("decimal", DataType::Decimal(12, 2)),
        as_type("duration", DataType::Duration(TimeUnit::Milliseconds)),
        as_type("time", DataType::Time),
        as_type("date", DataType::Date),
        as_type("datetime", DataType::Datetime(TimeUnit::Nanoseconds, None)),
        Column::new("flag".into(), counts.iter().map(|n| n % 2 == 0).collect::<Vec<_>>()),
        text.clone().with_name("category".into()).cast(&category).unwrap(),
        text,
        Column::full_null("nothing".into(), rows as usize, &DataType::Null),
    ])
}

#[test]
fn each_type_is_seen_as_what_it_is() {
    let schema = frame::infer_schema(&kinds(50), &SchemaOptions::default(), &NoProgress).unwrap();
    let found: Vec<_> =
        schema.columns.iter().map(|column| (&*column.name, column.data_type)).collect();
    let (integer, number, text) = (ColumnType::Integer, ColumnType::Number, ColumnType::Text);
    assert_eq!(
        found,
        [
            ("i8", integer),
            ("u64", integer),
            ("f32", number),
            ("decimal", number),
            ("duration", number),
            ("time", number),
            ("date", ColumnType::Time),
            ("datetime", ColumnType::Time),
            ("flag", ColumnType::Boolean),
            ("category", text),
            ("text", text),
            ("nothing", text),
        ]
    );
    // And data like it passes.
    let mut checker =
        Checker::new(schema.to_suite("kinds").unwrap(), &CheckerOptions::default()).unwrap();
    frame::check_quality(&kinds(50), &mut checker, &NoProgress).unwrap();
    let report = checker.report(Timestamp::EPOCH);
    assert!(report.findings.iter().all(|finding| finding.verdict != Verdict::Failed), "{report:?}");
}

#[test]
fn rows_keep_their_numbers_across_batches_and_nulls_their_place() {
    // Several batches; one row is wrong, far behind the first of them.
    let rows = 200_000;
    let mut values: Vec<Option<f64>> = uniform(1, rows).into_iter().map(Some).collect();
    for value in values.iter_mut().step_by(3) {
        *value = None;
    }
    values[170_002] = Some(7.0);
    let ids: Vec<i64> = (0..rows as i64).map(|id| if id == 199_999 { 5 } else { id }).collect();
    let data = frame(vec![Column::new("x".into(), values), Column::new("id".into(), ids)]);
    let mut checker =
        checker(vec![Check::between("x", Range::at_least(0).and_at_most(1)), Check::unique("id")]);
    frame::check_quality(&data, &mut checker, &NoProgress).unwrap();
    let report = checker.report(Timestamp::EPOCH);
    let failed: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.verdict.clone(), finding.samples[0].row))
        .collect();
    assert_eq!(failed, [(Verdict::Failed, 170_002), (Verdict::Failed, 199_999)]);
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let x = || frame(vec![Column::new("x".into(), vec![1.0, 2.0])]);
    let mut any = checker(vec![Check::unique("x")]);
    let lists = x().select([concat_list([col("x"), col("x")]).unwrap().alias("pair")]);
    let error = frame::check_quality(&lists, &mut any, &NoProgress).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid frame: `pair` is of type list[f64], which is not looked at"
    );
    let none = DataFrame::empty().lazy();
    let error = frame::check_quality(&none, &mut any, &NoProgress).unwrap_err();
    assert_eq!(error.to_string(), "invalid frame: it has no columns");
    let large = frame(vec![Column::new("x".into(), vec![u64::MAX])]);
    let error = frame::check_quality(&large, &mut any, &NoProgress).unwrap_err();
    assert!(matches!(error, Error::Backend { backend: "polars", .. }), "{error:?}");
    let empty = x().limit(0);
    let error = frame::infer_schema(&empty, &SchemaOptions::default(), &NoProgress).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
}

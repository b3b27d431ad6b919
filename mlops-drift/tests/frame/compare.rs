//! Each kind of column is compared as what it is, and in the same way from wherever it is read.

use std::{
    fs::File,
    sync::atomic::{AtomicU64, Ordering},
};

use mlops_core::progress::{NoProgress, Progress};
use mlops_drift::{
    compare::{
        Aspect, CategoryCounts, CompareOptions, Comparer, FeatureKind, Method, Numbers, Verdict,
    },
    frame::{self, FrameOptions, polars::prelude::*},
};

use super::data::{compare, compare_column, frame, named, uniform, verdicts};

const ROWS: usize = 2000;

fn column(name: &str, values: Vec<f64>) -> Column {
    Column::new(name.into(), values)
}

/// A frame with a column of each kind, that chance alone tells from one of another seed.
fn kinds(seed: u64) -> LazyFrame {
    let u = |index: u64| uniform(seed * 100 + index, ROWS);
    let scaled = |index: u64, by: f64| -> Vec<i64> {
        u(index).into_iter().map(|value| (value * by) as i64).collect()
    };
    let cast = |name: &str, values: Vec<i64>, data_type: DataType| {
        Column::new(name.into(), values).cast(&data_type).unwrap()
    };
    let text = named(&u(5), &["a", "b", "c", "d"]);
    frame(vec![
        column("float", u(0)),
        column("float32", u(1)).cast(&DataType::Float32).unwrap(),
        Column::new("text".into(), &text),
        cast("int8", scaled(2, 100.0), DataType::Int8),
        cast("uint16", scaled(3, 60_000.0), DataType::UInt16),
        Column::new("bool".into(), u(4).iter().map(|value| *value < 0.3).collect::<Vec<_>>()),
        Column::new("category".into(), &text)
            .cast(&DataType::from_categories(Categories::global()))
            .unwrap(),
        cast("date", scaled(6, 1000.0), DataType::Date),
        cast("time", scaled(7, 80e12), DataType::Time),
        cast("datetime", scaled(8, 1e15), DataType::Datetime(TimeUnit::Microseconds, None)),
        cast("duration", scaled(9, 1e6), DataType::Duration(TimeUnit::Milliseconds)),
        cast("decimal", scaled(10, 1000.0), DataType::Decimal(10, 2)),
        cast("few", scaled(11, 4.0), DataType::Int32),
    ])
}

#[test]
fn each_type_is_compared_as_what_it_is() {
    let comparison = compare(&kinds(1), &kinds(2), &FrameOptions::default()).unwrap();
    assert_eq!((comparison.reference_rows, comparison.current_rows), (2000, 2000));
    assert_eq!(comparison.verdict, Verdict::NoDrift, "{:?}", verdicts(&comparison));
    let found: Vec<_> = comparison
        .features
        .iter()
        .map(|feature| (&*feature.name, feature.kind, feature.evidence[0].method))
        .collect();
    let (numeric, categorical) = (FeatureKind::Numeric, FeatureKind::Categorical);
    let expected = [
        ("float", numeric, Method::Ks),
        ("float32", numeric, Method::Ks),
        ("text", categorical, Method::ChiSquare),
        ("int8", numeric, Method::Ks),
        ("uint16", numeric, Method::Ks),
        ("bool", categorical, Method::ChiSquare),
        ("category", categorical, Method::ChiSquare),
        ("date", numeric, Method::Ks),
        ("time", numeric, Method::Ks),
        ("datetime", numeric, Method::Ks),
        ("duration", numeric, Method::Ks),
        ("decimal", numeric, Method::Ks),
        ("few", numeric, Method::ChiSquare),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_found_is_what_the_comparer_says_of_the_values() {
    let (x, y) = (uniform(1, 500), uniform(2, 700));
    let names = ["a", "b", "c"];
    let (s, t) = (named(&uniform(3, 500), &names), named(&uniform(4, 700), &names));
    let mut comparer = Comparer::new(&CompareOptions::default(), 500, 700).unwrap();
    let numbers = [&x, &y].map(|values| Numbers::new(values.clone(), 0).unwrap());
    comparer.numbers("x", &numbers[0], &numbers[1]).unwrap();
    let counts = [&s, &t].map(|texts| {
        let mut counts = CategoryCounts::new(0);
        texts.iter().for_each(|text| counts.add(text, 1));
        counts
    });
    comparer.categories("s", &counts[0], &counts[1]).unwrap();
    let expected = comparer.finish().unwrap();

    let reference = frame(vec![column("x", x), Column::new("s".into(), s)]);
    let current = frame(vec![column("x", y), Column::new("s".into(), t)]);
    let found = compare(&reference, &current, &FrameOptions::default()).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn units_are_days_and_seconds() {
    let day = |name: &str, days: i32| Column::new(name.into(), vec![days; 3]);
    let date = day("x", 19_000).cast(&DataType::Date).unwrap();
    let datetime = date.cast(&DataType::Datetime(TimeUnit::Nanoseconds, None)).unwrap();
    let duration = Column::new("x".into(), vec![1500_i64; 3])
        .cast(&DataType::Duration(TimeUnit::Milliseconds))
        .unwrap();
    let time = Column::new("x".into(), vec![61_000_000_000_i64; 3]).cast(&DataType::Time).unwrap();
    let decimal = Column::new("x".into(), vec![12_i64; 3]).cast(&DataType::Decimal(10, 2)).unwrap();
    for (column, mean) in [
        (date, 19_000.0),
        (datetime, 19_000.0 * 86_400.0),
        (duration, 1.5),
        (time, 61.0),
        (decimal, 12.0),
    ] {
        let feature = compare_column(column.clone(), column);
        assert_eq!(feature.reference.mean, Some(mean));
    }
}

#[test]
fn a_column_that_drifts_is_found_among_those_that_do_not() {
    let moved = kinds(2).with_columns([
        (col("float") + lit(0.3)).alias("float"),
        when(col("text").eq(lit("a"))).then(lit("b")).otherwise(col("text")).alias("text"),
    ]);
    let comparison = compare(&kinds(1), &moved, &FrameOptions::default()).unwrap();
    let drifted: Vec<_> =
        comparison.with_verdict(Verdict::Drift).map(|feature| &*feature.name).collect();
    assert_eq!(drifted, ["float", "text"]);
}

#[test]
fn nulls_are_an_aspect_of_every_kind() {
    let some = uniform(1, ROWS);
    let few = |value: &f64| (*value < 0.05).then_some(*value);
    let emptied: Vec<Option<f64>> = uniform(2, ROWS).iter().map(few).collect();
    let feature = compare_column(column("x", some), Column::new("x".into(), emptied));
    assert_eq!(feature.verdict, Verdict::Drift);
    assert!(feature.current.nulls > 1800);

    let names = named(&uniform(3, ROWS), &["a", "b"]);
    let emptied: Vec<Option<&str>> =
        names.iter().enumerate().map(|(row, name)| (row % 20 == 0).then_some(&**name)).collect();
    let feature = compare_column(Column::new("x".into(), &names), Column::new("x".into(), emptied));
    let nulls = feature.evidence.iter().find(|found| found.aspect == Aspect::Nulls).unwrap();
    assert_eq!((nulls.verdict, feature.current.nulls), (Verdict::Drift, 1900));
}

#[test]
fn files_are_compared_as_the_frames_that_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    // Types that both formats keep.
    let frames = [1, 2].map(|seed| {
        let kept = ["float", "text", "int8", "bool", "few"].map(col);
        let wide = [col("int8").cast(DataType::Int64), col("few").cast(DataType::Int64)];
        kinds(seed).select(kept).with_columns(wide).collect().unwrap()
    });
    let expected = {
        let [reference, current] = frames.clone().map(IntoLazy::lazy);
        compare(&reference, &current, &FrameOptions::default()).unwrap()
    };
    let [reference, current] = [0, 1].map(|side| {
        let path = folder.path().join(format!("{side}.parquet"));
        // Several row groups, so that columns have several chunks.
        ParquetWriter::new(File::create(&path).unwrap())
            .with_row_group_size(Some(300))
            .finish(&mut frames[side].clone())
            .unwrap();
        LazyFrame::scan_parquet(path.to_str().unwrap().into(), Default::default()).unwrap()
    });
    let parquet = compare(&reference, &current, &FrameOptions::default()).unwrap();
    assert_eq!(parquet, expected);

    let [reference, current] = [0, 1].map(|side| {
        let path = folder.path().join(format!("{side}.csv"));
        CsvWriter::new(File::create(&path).unwrap()).finish(&mut frames[side].clone()).unwrap();
        LazyCsvReader::new(path.to_str().unwrap().into()).finish().unwrap()
    });
    let csv = compare(&reference, &current, &FrameOptions::default()).unwrap();
    assert_eq!(csv, expected);
}

#[test]
fn columns_are_chosen_and_forced() {
    let options = FrameOptions::default()
        .with_include(["few", "bool", "text", "float"])
        .with_exclude(["float"])
        .with_categorical(["few"])
        .with_numeric(["bool"]);
    let comparison = compare(&kinds(1), &kinds(2), &options).unwrap();
    let found: Vec<_> =
        comparison.features.iter().map(|feature| (&*feature.name, feature.kind)).collect();
    let (numeric, categorical) = (FeatureKind::Numeric, FeatureKind::Categorical);
    assert_eq!(found, [("text", categorical), ("bool", numeric), ("few", categorical)]);
    assert_eq!(comparison.features[1].reference.quartiles.map(|five| five[4]), Some(1.0));
}

#[derive(Debug, Default)]
struct Counted([AtomicU64; 3]);

impl Progress for Counted {
    fn set_total(&self, total: Option<u64>) {
        self.0[0].store(total.unwrap(), Ordering::Relaxed);
    }
    fn advance(&self, amount: u64) {
        self.0[1].fetch_add(amount, Ordering::Relaxed);
    }
    fn finish(&self) {
        self.0[2].fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn progress_is_in_columns() {
    let progress = Counted::default();
    // One that is missing counts too.
    let current = kinds(2).drop(cols(["date"]));
    frame::compare(&kinds(1), &current, &FrameOptions::default(), &progress).unwrap();
    assert_eq!(progress.0.map(AtomicU64::into_inner), [13, 13, 1]);
}

#[test]
fn a_comparison_with_a_profile_is_of_the_same_kinds() {
    let origin =
        mlops_drift::profile::Origin::new("kinds", mlops_core::timestamp::Timestamp::EPOCH);
    let profile = frame::profile(&kinds(1), origin, &FrameOptions::default()).unwrap();
    let moved = kinds(2).with_column((col("float") + lit(0.3)).alias("float"));
    let comparison =
        frame::compare_to_profile(&profile, &moved, &CompareOptions::default(), &NoProgress)
            .unwrap();
    let whole = compare(&kinds(1), &moved, &FrameOptions::default()).unwrap();
    assert_eq!(verdicts(&comparison), verdicts(&whole));
    assert_eq!(comparison.feature("float").unwrap().evidence[0].method, Method::BinnedKs);
    for (counted, exact) in comparison.features.iter().zip(&whole.features) {
        assert_eq!(counted.kind, exact.kind);
        assert_eq!(counted.current.rows, exact.current.rows);
        // Bins see all but what happens inside of one.
        let effects = [counted, exact].map(|feature| feature.evidence[0].effect.value);
        assert!((effects[0] - effects[1]).abs() < 0.02, "{}: {effects:?}", counted.name);
    }
}

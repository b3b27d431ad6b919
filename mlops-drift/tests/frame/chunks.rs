//! NannyML's chunks, distances and thresholds.

use mlops_core::progress::NoProgress;
use mlops_drift::{
    compare::Verdict,
    frame::{
        FrameOptions,
        chunks::{ChunkBy, ChunkDistance, ChunkedComparison, Period, compare_chunks},
        polars::prelude::*,
    },
};
use serde::Deserialize;

use super::data::{frame, uniform};

#[derive(Deserialize)]
struct Golden {
    reference: Data,
    current: Data,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Data {
    when: Vec<i64>,
    x: Vec<Option<f64>>,
    s: Vec<Option<String>>,
}

#[derive(Deserialize)]
struct Case {
    by: ChunkBy,
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    feature: String,
    distance: ChunkDistance,
    reference: Vec<f64>,
    current: Vec<f64>,
    threshold: f64,
    alert: Vec<bool>,
}

impl Data {
    fn frame(&self) -> LazyFrame {
        let when: Vec<i64> = self.when.iter().map(|seconds| seconds * 1000).collect();
        let time = DataType::Datetime(TimeUnit::Milliseconds, None);
        frame(vec![
            Column::new("when".into(), when).cast(&time).unwrap(),
            Column::new("x".into(), &self.x),
            Column::new("s".into(), &self.s),
        ])
    }
}

fn chunked(reference: &LazyFrame, current: &LazyFrame, by: &ChunkBy) -> ChunkedComparison {
    let mut options = FrameOptions::default();
    if !matches!(by, ChunkBy::Period { .. }) {
        options = options.with_include(["x", "s"]);
    }
    compare_chunks(reference, current, by, &options, &NoProgress).unwrap()
}

#[test]
fn distances_thresholds_and_alerts_are_nannymls() {
    let golden: Golden = serde_json::from_str(include_str!("chunks_golden.json")).unwrap();
    let (reference, current) = (golden.reference.frame(), golden.current.frame());
    let near = |found: &[Option<f64>], expected: &[f64]| {
        let pairs = found.iter().zip(expected);
        let all = pairs.fold(true, |all, (x, y)| all && (x.unwrap() - y).abs() <= 1e-9);
        all && found.len() == expected.len()
    };
    assert_eq!(golden.cases.len(), 5);
    for case in &golden.cases {
        let found = chunked(&reference, &current, &case.by);
        assert_eq!(found.series.len(), case.series.len());
        for expected in &case.series {
            let series = found
                .series
                .iter()
                .find(|each| each.feature == expected.feature && each.distance == expected.distance)
                .unwrap();
            let place = (&case.by, series.distance);
            assert!(near(&series.reference, &expected.reference), "{place:?}: {series:?}");
            assert!(near(&series.current, &expected.current), "{place:?}: {series:?}");
            assert!(near(&[series.threshold], &[expected.threshold]), "{place:?}: {series:?}");
            let alerts: Vec<bool> =
                (0..expected.alert.len()).map(|chunk| series.exceeds(chunk)).collect();
            assert_eq!(alerts, expected.alert, "{place:?}");
        }
    }
}

fn numbers(rows: usize) -> LazyFrame {
    frame(vec![Column::new("x".into(), uniform(rows as u64, rows))])
}

fn names(found: &ChunkedComparison) -> Vec<(&str, u64)> {
    found.chunks.iter().map(|chunk| (&*chunk.name, chunk.rows)).collect()
}

fn plain(reference: &LazyFrame, current: &LazyFrame, by: &ChunkBy) -> ChunkedComparison {
    compare_chunks(reference, current, by, &FrameOptions::default(), &NoProgress).unwrap()
}

#[test]
fn leftover_rows_belong_to_the_last_chunk() {
    // One row over, of which alone nothing could be said.
    let found = plain(&numbers(300), &numbers(301), &ChunkBy::Size(100));
    assert_eq!(names(&found), [("[0:99]", 100), ("[100:199]", 100), ("[200:300]", 101)]);
    let found = plain(&numbers(300), &numbers(301), &ChunkBy::Number(2));
    assert_eq!(names(&found), [("[0:149]", 150), ("[150:300]", 151)]);
    assert_eq!(found.reference, ["[0:149]", "[150:299]"]);
}

#[test]
fn each_chunk_is_compared_by_the_rule() {
    let reference = numbers(2000);
    let mut values = uniform(1, 1000);
    values[500..].iter_mut().for_each(|value| *value += 0.4);
    let current = frame(vec![Column::new("x".into(), &values)]);
    let found = plain(&reference, &current, &ChunkBy::Size(500));
    let verdicts: Vec<_> = found.chunks.iter().map(|chunk| chunk.comparison.verdict).collect();
    assert_eq!(verdicts, [Verdict::NoDrift, Verdict::Drift]);
    let second = frame(vec![Column::new("x".into(), &values[500..])]);
    let alone = super::data::compare(&reference, &second, &FrameOptions::default()).unwrap();
    assert_eq!(found.chunks[1].comparison, alone);
}

#[test]
fn periods_need_no_order_and_count_rows_without_a_time() {
    let days = [Some(40), Some(3), None, Some(41), Some(2), Some(35)];
    let data = |days: &[Option<i32>]| {
        frame(vec![
            Column::new("day".into(), days).cast(&DataType::Date).unwrap(),
            Column::new("x".into(), uniform(1, days.len())),
        ])
    };
    let by = ChunkBy::Period { column: "day".into(), period: Period::Month };
    let found = plain(&data(&days), &data(&days[1..]), &by);
    assert_eq!(names(&found), [("1970-01", 2), ("1970-02", 2)]);
    assert_eq!(
        (&found.reference[..], found.left_out),
        (&["1970-01".into(), "1970-02".into()][..], [1, 1])
    );
    // The time itself is no feature.
    let features = &found.chunks[0].comparison.features;
    assert_eq!(features.iter().map(|feature| &*feature.name).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn chunks_without_values_have_no_distance() {
    let mut values: Vec<Option<f64>> = uniform(1, 200).into_iter().map(Some).collect();
    values[100..].fill(None);
    let emptied = frame(vec![Column::new("x".into(), values)]);
    let found = plain(&numbers(200), &emptied, &ChunkBy::Size(100));
    let series = &found.series[0];
    assert!(series.current[0].is_some() && series.current[1].is_none());
    assert!(!series.exceeds(1) && !series.exceeds(7));
    // One chunk of the reference lets nothing expect.
    let found = plain(&numbers(100), &emptied, &ChunkBy::Size(100));
    assert_eq!(found.series[0].threshold, None);
}

#[test]
fn a_flood_of_categories_is_an_error_of_its_column() {
    let ids = |from: usize| {
        let ids: Vec<String> = (from..from + 100).map(|id| id.to_string()).collect();
        frame(vec![Column::new("id".into(), ids)])
    };
    let options = FrameOptions::default().with_max_categories(50);
    let by = ChunkBy::Size(50);
    let found = compare_chunks(&ids(0), &ids(0), &by, &options, &NoProgress).unwrap();
    let feature = &found.chunks[0].comparison.features[0];
    assert_eq!(feature.verdict, Verdict::Error);
    assert!(feature.reason.as_deref().unwrap().starts_with("the reference has more than 50"));
}

#[test]
fn chunks_that_cannot_be_are_refused() {
    let data = numbers(100);
    let period = |column: &str| ChunkBy::Period { column: column.into(), period: Period::Day };
    for (by, expected) in [
        (ChunkBy::Size(0), "invalid chunk size: 0 is not at least 1"),
        (ChunkBy::Number(0), "invalid chunks: 0 is not at least 1"),
        (
            ChunkBy::Size(101),
            "invalid reference: 100 rows are not enough for the chunks that are asked for",
        ),
        (
            ChunkBy::Number(101),
            "invalid reference: 100 rows are not enough for the chunks that are asked for",
        ),
        (period("y"), "invalid reference: `y` is missing, not a column of dates or times"),
        (period("x"), "invalid reference: `x` is f64, not a column of dates or times"),
    ] {
        let options = FrameOptions::default();
        let error = compare_chunks(&data, &data, &by, &options, &NoProgress).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let many = numbers(5000);
    let error =
        compare_chunks(&many, &many, &ChunkBy::Size(1), &FrameOptions::default(), &NoProgress);
    assert_eq!(error.unwrap_err().to_string(), "invalid reference: 5000 chunks are more than 4096");
    let time = |seconds: i64| {
        let time = DataType::Datetime(TimeUnit::Milliseconds, None);
        frame(vec![Column::new("x".into(), vec![seconds * 1000]).cast(&time).unwrap()])
    };
    let far = time(253_402_300_800);
    let error = compare_chunks(&far, &far, &period("x"), &FrameOptions::default(), &NoProgress);
    assert_eq!(
        error.unwrap_err().to_string(),
        "invalid reference: `x` of row 0 is not in the years 0 to 9999"
    );
}

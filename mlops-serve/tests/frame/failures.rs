//! Rows and models that fail.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mlops_core::{
    Error, Result,
    inference::Predict,
    tensor::{DataType, NamedTensors},
};
use mlops_serve::score::{
    RetryOptions,
    frame::{
        FrameOptions, FrameScoring,
        polars::prelude::{self as pl, IntoLazy},
    },
};
use proptest::prelude::*;
use tempfile::tempdir;

use super::support::{floats, model, numbers, score, scored, spec, texts, written};

/// A model that refuses whatever holds one of these numbers, and counts how often it is asked.
fn refusing(poison: BTreeSet<u64>, error: Error) -> (Arc<dyn Predict>, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let answer = move |request: &mlops_core::inference::InferenceRequest| -> Result<NamedTensors> {
        counter.fetch_add(1, Ordering::Relaxed);
        let x = request.inputs.require("x")?;
        if x.as_slice::<f64>()?.iter().any(|x| poison.contains(&(*x as u64))) {
            return Err(error.clone());
        }
        Ok(NamedTensors::single("y", x.clone()))
    };
    let specs = |name| vec![spec(name, DataType::F64, &[])];
    (model(specs("x"), specs("y"), answer), asked)
}

fn quick() -> FrameOptions {
    let retry =
        RetryOptions::default().with_delays(Duration::from_micros(1), Duration::from_micros(1));
    FrameOptions::default().with_retry(retry)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn exactly_the_rows_at_fault_fail(
        poison in proptest::collection::btree_set(0..300_u64, 0..12),
        chunk_rows in 1..200_usize,
        request_rows in 1..70_usize,
        part_rows in 1..300_usize,
    ) {
        let (model, _) = refusing(poison.clone(), Error::invalid("row", "poison"));
        let options = quick()
            .with_chunk_rows(chunk_rows)
            .with_requests(request_rows, 3)
            .with_part_rows(part_rows);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (report, frame) = runtime.block_on(scored(numbers(300), model, options));
        prop_assert_eq!(report.failed_rows, poison.len() as u64);
        for (row, (value, error)) in
            floats(&frame, "y").into_iter().zip(texts(&frame, "error")).enumerate()
        {
            let is_poison = poison.contains(&(row as u64));
            prop_assert_eq!(value, (!is_poison).then_some(row as f64));
            prop_assert_eq!(error.is_some(), is_poison);
        }
    }
}

#[tokio::test]
async fn one_bad_row_costs_a_few_requests_more() {
    let (model, asked) = refusing([500].into(), Error::invalid("row", "poison"));
    let (report, _) = scored(numbers(1024), model, quick().with_requests(1024, 1)).await;
    assert_eq!(report.failed_rows, 1);
    // One for all, and two for each halving of 1024.
    assert_eq!(asked.load(Ordering::Relaxed), 1 + 2 * 10);
}

#[tokio::test]
async fn a_row_that_fails_for_unknown_reasons_is_tried_again() {
    let (model, asked) = refusing([0].into(), Error::backend("engine", "it broke"));
    let (report, frame) = scored(numbers(1), model, quick()).await;
    assert_eq!(report.failed_rows, 1);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    assert_eq!(texts(&frame, "error")[0].as_deref(), Some("engine failed: it broke"));
}

#[tokio::test]
async fn too_many_failed_rows_end_the_run_before_they_are_written() {
    let (model, _) = refusing((150..300).collect(), Error::invalid("row", "poison"));
    let folder = tempdir().unwrap();
    let options = quick().with_max_failed_rows(99).with_chunk_rows(50).with_part_rows(100);
    let error = score(numbers(1000), Arc::clone(&model), options.clone(), folder.path()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(error.to_string().contains("max_failed_rows") && error.to_string().contains("poison"));
    assert!(written(folder.path()).height() <= 200);
    // With more patience it goes on.
    let options = options.with_max_failed_rows(1000);
    let report = score(numbers(1000), model, options, folder.path()).await.unwrap();
    assert_eq!(report.rows, 1000);
    let failed = texts(&written(folder.path()), "error").iter().flatten().count();
    assert_eq!(failed, 150);
}

#[tokio::test]
async fn a_model_that_is_gone_ends_the_run_and_what_was_scored_stays() {
    let (model, _) = refusing([555].into(), Error::Closed { what: "batcher" });
    let folder = tempdir().unwrap();
    let options = quick().with_chunk_rows(100).with_requests(10, 1).with_keep(["id"]);
    let error = score(numbers(1000), model, options.clone(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    // Whole chunks of a part that was not.
    let rows = written(folder.path()).height();
    assert!((1..=555).contains(&rows), "{rows}");

    let (model, _) = refusing(BTreeSet::new(), Error::Cancelled);
    let report = score(numbers(1000), model, options, folder.path()).await.unwrap();
    assert_eq!((report.rows, report.resumed_rows), (1000, rows as u64));
    let expected: Vec<_> = (0..1000).map(|row| Some(f64::from(row))).collect();
    assert_eq!(floats(&written(folder.path()), "y"), expected);
    assert_eq!(floats(&written(folder.path()), "id"), expected);
}

#[tokio::test]
async fn a_frame_that_fails_or_panics_is_an_error() {
    for panics in [false, true] {
        let broken = move |_: pl::Column| -> pl::PolarsResult<pl::Column> {
            assert!(!panics, "in the middle of the work");
            Err(pl::PolarsError::ComputeError("no such number".into()))
        };
        let field = |_: &pl::Schema, field: &pl::Field| Ok(field.clone());
        let frame = numbers(10).lazy().with_column(pl::col("x").map(broken, field));
        let (model, _) = refusing(BTreeSet::new(), Error::Cancelled);
        let folder = tempdir().unwrap();
        let error = FrameScoring::new(frame, model).run(folder.path()).await.unwrap_err();
        assert!(matches!(error, Error::Backend { backend: "polars", .. }), "{error}");
        assert!(!folder.path().join("_SUCCESS").exists());
    }
}

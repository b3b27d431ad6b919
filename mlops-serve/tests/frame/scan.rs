//! Files, and what comes out of them.

use std::{
    fs::{self, File},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::{
    inference::{InferenceRequest, Predict},
    model::ModelId,
    ndarray::Array2,
    progress::Progress,
    signature::Dim,
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions},
    score::frame::{
        FrameOptions, FrameScoring,
        polars::prelude::{self as pl, LazyFileListReader, SerWriter},
    },
};
use tempfile::tempdir;

use super::support::{floats, identity, lists, numbers, scored, spec, texts, written};

fn small() -> FrameOptions {
    FrameOptions::default().with_chunk_rows(100).with_part_rows(300).with_requests(32, 4)
}

#[tokio::test]
async fn rows_come_out_in_order_beside_what_was_kept() {
    let options = small().with_keep(["id"]);
    let (report, frame) = scored(numbers(1234), identity(DataType::F32, &[]), options).await;
    assert_eq!((report.rows, report.failed_rows, report.resumed_rows), (1234, 0, 0));
    // Four whole ones, and the rest.
    assert_eq!(report.parts, 5);
    assert_eq!(frame.get_column_names(), ["id", "y", "error"]);
    let expected: Vec<_> = (0..1234).map(|row| Some(f64::from(row))).collect();
    assert_eq!(floats(&frame, "id"), expected);
    assert_eq!(floats(&frame, "y"), expected);
    assert_eq!(frame.column("y").unwrap().dtype(), &pl::DataType::Float32);
    assert_eq!(frame.column("error").unwrap().null_count(), 1234);
}

#[tokio::test]
async fn parquet_and_csv_give_what_the_model_says_of_each_row() {
    let folder = tempdir().unwrap();
    let (parquet, csv) = (folder.path().join("rows.parquet"), folder.path().join("rows.csv"));
    let width = 5;
    let values =
        Array2::from_shape_fn((1000, width), |(row, column)| (row * width + column) as f32 * 0.25);
    let columns = (0..width).map(|column| {
        let values: Vec<f32> = values.column(column).to_vec();
        pl::Column::new(format!("f{column}").as_str().into(), values)
    });
    let mut frame = pl::DataFrame::new(1000, columns.collect()).unwrap();
    pl::ParquetWriter::new(File::create(&parquet).unwrap())
        .with_row_group_size(Some(170))
        .finish(&mut frame)
        .unwrap();
    pl::CsvWriter::new(File::create(&csv).unwrap()).finish(&mut frame).unwrap();

    let id = ModelId::new("m".parse().unwrap(), "1".parse().unwrap());
    let session = MockFactory::new(MockSession::identity(width));
    let model: Arc<dyn Predict> =
        Arc::new(Batcher::start(id, session, BatcherOptions::default()).unwrap());
    let path = |path: &std::path::Path| path.display().to_string();
    let scans = [
        pl::LazyFrame::scan_parquet(path(&parquet).as_str().into(), Default::default()).unwrap(),
        pl::LazyCsvReader::new(path(&csv).as_str().into()).finish().unwrap(),
    ];
    for (number, scan) in scans.into_iter().enumerate() {
        let options = small().with_features("x", (0..width).map(|column| format!("f{column}")));
        let out = folder.path().join(format!("out{number}"));
        let scoring = FrameScoring::new(scan, Arc::clone(&model)).with_options(options);
        assert_eq!(scoring.run(&out).await.unwrap().rows, 1000);
        let rows = lists(&written(&out), "y");
        for (row, found) in values.outer_iter().zip(rows) {
            let expected: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            assert_eq!(found, Some(expected));
        }
    }
}

#[tokio::test]
async fn large_rows_are_read_few_at_a_time() {
    let most = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most);
    let model = super::support::model(
        vec![spec("x", DataType::F64, &[Dim::Fixed(1)])],
        vec![spec("y", DataType::F64, &[Dim::Fixed(1)])],
        move |request: &InferenceRequest| {
            let x = request.inputs.require("x")?;
            seen.fetch_max(x.shape()[0] as u64, Ordering::Relaxed);
            Ok(NamedTensors::single("y", x.clone()))
        },
    );
    // Eight bytes each: twelve of them fit, and a row is always read.
    for (bytes, rows) in [(100, 12), (1, 1)] {
        most.store(0, Ordering::Relaxed);
        let options = small().with_chunk_bytes(bytes);
        let (report, _) = scored(numbers(50), Arc::clone(&model), options).await;
        assert_eq!(report.rows, 50);
        assert_eq!(most.load(Ordering::Relaxed), rows);
    }
}

#[tokio::test]
async fn an_empty_frame_is_an_empty_output() {
    let folder = tempdir().unwrap();
    let report =
        super::support::score(numbers(0), identity(DataType::F32, &[]), small(), folder.path())
            .await;
    let report = report.unwrap();
    assert_eq!((report.rows, report.parts), (0, 0));
    assert!(folder.path().join("_SUCCESS").exists());
}

#[tokio::test]
async fn only_the_outputs_asked_for_are_computed_and_written() {
    let model = super::support::model(
        vec![spec("x", DataType::F32, &[])],
        vec![spec("a", DataType::F32, &[]), spec("b", DataType::F32, &[])],
        |request: &InferenceRequest| {
            let x = request.inputs.require("x")?;
            let mut outputs = NamedTensors::single("a", x.clone());
            assert_eq!(request.requested_outputs().map(<[_]>::len), Some(1));
            outputs.insert("b", x.clone())?;
            Ok(outputs)
        },
    );
    let (_, frame) = scored(numbers(10), model, small().with_outputs(["b"])).await;
    assert_eq!(frame.get_column_names(), ["b", "error"]);
}

#[tokio::test]
async fn texts_go_in_and_come_out() {
    let frame = pl::df!("x" => ["a", "", "ü"]).unwrap();
    let (_, frame) = scored(frame, identity(DataType::Bytes, &[]), small()).await;
    let expected = ["a", "", "ü"].map(|text| Some(text.to_owned()));
    assert_eq!(texts(&frame, "y"), expected);
}

#[tokio::test]
async fn text_that_is_none_fails_its_row_only() {
    let model = super::support::model(
        vec![spec("x", DataType::F32, &[])],
        vec![spec("y", DataType::Bytes, &[Dim::Fixed(1)])],
        |request: &InferenceRequest| {
            let x = request.inputs.require("x")?.as_slice::<f32>()?;
            let texts: Vec<_> = x
                .iter()
                .map(|x| if *x == 3.0 { vec![0xff].into() } else { "fine".into() })
                .collect();
            Ok(NamedTensors::single("y", Tensor::from_strings(&[x.len(), 1], texts)?))
        },
    );
    let (report, frame) = scored(numbers(5), model, small()).await;
    assert_eq!(report.failed_rows, 1);
    let fine = Some("fine".to_owned());
    assert_eq!(texts(&frame, "y"), [fine.clone(), fine.clone(), fine.clone(), None, fine]);
    assert_eq!(texts(&frame, "error")[3].as_deref(), Some("output `y` is not UTF-8"));
}

/// Adds up what it is told.
#[derive(Debug, Default)]
struct Counted {
    total: AtomicU64,
    done: AtomicU64,
    finished: AtomicU64,
}

impl Progress for Counted {
    fn set_total(&self, total: Option<u64>) {
        self.total.store(total.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }

    fn finish(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn progress_counts_rows() {
    use pl::IntoLazy;

    let folder = tempdir().unwrap();
    let progress = Arc::new(Counted::default());
    for _ in 0..2 {
        let scoring = FrameScoring::new(numbers(777).lazy(), identity(DataType::F32, &[]))
            .with_options(small());
        let progress = Arc::<Counted>::clone(&progress);
        scoring.with_progress(progress).run(folder.path()).await.unwrap();
        // The second run finds everything done.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3 + 3);
    }
    assert_eq!(progress.total.load(Ordering::Relaxed), 777);
    assert_eq!(progress.done.load(Ordering::Relaxed), 2 * 777);
    assert_eq!(progress.finished.load(Ordering::Relaxed), 2);
}

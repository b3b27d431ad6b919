//! Runs that are interrupted, and folders that are not theirs.

use std::{fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    random::RandomKey,
    tensor::DataType,
};
use mlops_serve::score::frame::{
    FrameOptions, FrameScoring,
    polars::prelude::{self as pl, IntoLazy, SerWriter},
};
use tempfile::tempdir;

use super::support::{floats, identity, numbers, score, written};

fn options() -> FrameOptions {
    FrameOptions::default().with_chunk_rows(20).with_part_rows(60).with_requests(7, 2)
}

/// Takes a while.
#[derive(Debug)]
struct Slow(Arc<dyn Predict>);

impl std::fmt::Display for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slow({})", self.0)
    }
}

#[async_trait]
impl Predict for Slow {
    fn descriptor(&self) -> &ModelDescriptor {
        self.0.descriptor()
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        tokio::time::sleep(Duration::from_micros(300)).await;
        self.0.predict(request).await
    }
}

fn model() -> Arc<dyn Predict> {
    Arc::new(Slow(identity(DataType::F64, &[])))
}

#[tokio::test]
async fn dropped_at_any_moment_it_goes_on_where_it_was() {
    let mut moments = RandomKey::from_seed(5).stream(0);
    let folder = tempdir().unwrap();
    let mut resumed = 0;
    let report = loop {
        let limit = Duration::from_micros(moments.next_u64() % 30_000);
        let run = score(numbers(2000), model(), options().with_keep(["id"]), folder.path());
        match tokio::time::timeout(limit, run).await {
            Ok(Ok(report)) => break report,
            // The thread of the run before still ends its file, for as long as the machine lets it.
            Ok(Err(Error::Conflict { .. })) => std::thread::yield_now(),
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => resumed += 1,
        }
        assert!(resumed < 10_000);
    };
    assert!(resumed > 2, "{resumed}");
    assert_eq!(report.rows, 2000);
    let expected: Vec<_> = (0..2000).map(|row| Some(f64::from(row))).collect();
    assert_eq!(floats(&written(folder.path()), "y"), expected);
    assert_eq!(floats(&written(folder.path()), "id"), expected);
}

#[tokio::test]
async fn a_file_that_was_not_ended_is_not_part_of_the_output() {
    let folder = tempdir().unwrap();
    score(numbers(100), model(), options(), folder.path()).await.unwrap();
    // As after a crash before the end was told.
    fs::remove_file(folder.path().join("_SUCCESS")).unwrap();
    let report = score(numbers(100), model(), options(), folder.path()).await.unwrap();
    assert_eq!((report.rows, report.resumed_rows, report.parts), (100, 100, 2));
    // As after one in the middle of the last part.
    fs::remove_file(folder.path().join("_SUCCESS")).unwrap();
    // Somebody else's is left alone.
    fs::write(folder.path().join("notes.tmp"), "").unwrap();
    let last = folder.path().join("part-000000000000060-000000000000100.parquet");
    fs::rename(last, folder.path().join("_part-000000000000060.tmp")).unwrap();
    let report = score(numbers(100), model(), options(), folder.path()).await.unwrap();
    assert_eq!((report.rows, report.resumed_rows, report.parts), (100, 60, 2));
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    let left = names.iter().filter(|name| name.to_string_lossy().ends_with("tmp"));
    assert_eq!(left.collect::<Vec<_>>(), ["notes.tmp"]);
}

#[tokio::test]
async fn a_scan_goes_on_in_the_middle_of_its_files() {
    let files = tempdir().unwrap();
    for (number, rows) in [(0, 0..70_i64), (1, 70..71), (2, 71..200)] {
        let x: Vec<f64> = rows.map(|row| row as f64).collect();
        let mut frame = pl::df!("x" => x).unwrap();
        let file = |name: String| fs::File::create(files.path().join(name)).unwrap();
        pl::ParquetWriter::new(file(format!("{number}.parquet"))).finish(&mut frame).unwrap();
        pl::CsvWriter::new(file(format!("{number}.csv"))).finish(&mut frame).unwrap();
    }
    let path = |pattern: &str| files.path().join(pattern).display().to_string();
    use pl::LazyFileListReader;
    let scans = [
        pl::LazyFrame::scan_parquet(path("*.parquet").as_str().into(), Default::default()).unwrap(),
        pl::LazyCsvReader::new(path("*.csv").as_str().into()).finish().unwrap(),
    ];
    for scan in scans {
        let folder = tempdir().unwrap();
        let run =
            || FrameScoring::new(scan.clone(), model()).with_options(options()).run(folder.path());
        run().await.unwrap();
        for gone in [
            "_SUCCESS",
            "part-000000000000120-000000000000180.parquet",
            "part-000000000000180-000000000000200.parquet",
        ] {
            fs::remove_file(folder.path().join(gone)).unwrap();
        }
        let report = run().await.unwrap();
        assert_eq!((report.rows, report.resumed_rows), (200, 120));
        let expected: Vec<_> = (0..200).map(|row| Some(f64::from(row))).collect();
        assert_eq!(floats(&written(folder.path()), "y"), expected);
    }
}

/// The error of going on in a folder with something else.
async fn conflict(folder: &Path, frame: pl::LazyFrame, options: FrameOptions) -> String {
    let scoring = FrameScoring::new(frame, model()).with_options(options);
    match scoring.run(folder).await.unwrap_err() {
        Error::Conflict { kind: "output folder", reason, .. } => reason.into(),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_folder_that_was_begun_with_something_else_is_refused() {
    let (files, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let path = files.path().join("x.csv");
    fs::write(&path, "id,x\n1,1\n2,2\n").unwrap();
    let scan = || {
        use pl::LazyFileListReader;
        pl::LazyCsvReader::new(path.display().to_string().as_str().into()).finish().unwrap()
    };
    let run = || FrameScoring::new(scan(), model()).with_options(options()).run(folder.path());
    run().await.unwrap();
    run().await.unwrap();
    let kept = options().with_keep(["id"]);
    assert!(conflict(folder.path(), scan(), kept).await.contains("other columns"));
    let filtered = scan().filter(pl::col("x").gt(pl::lit(1)));
    assert!(conflict(folder.path(), filtered, options()).await.contains("another frame"));
    let other = FrameScoring::new(scan(), identity(DataType::F32, &[])).with_options(options());
    assert!(other.run(folder.path()).await.is_ok(), "the model's name decides, not its types");
    fs::write(&path, "id,x\n1,1\n2,3\n4,4\n").unwrap();
    assert!(conflict(folder.path(), scan(), options()).await.contains("another "));
}

#[tokio::test]
async fn a_file_that_a_pattern_stands_for_is_one_of_the_input() {
    use pl::LazyFileListReader;

    let (files, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let write = |name: &str, rows: &str| fs::write(files.path().join(name), rows).unwrap();
    write("1.csv", "x\n1\n2\n");
    write("2.csv", "x\n3\n");
    let scan = || {
        let pattern = files.path().join("*.csv").display().to_string();
        pl::LazyCsvReader::new(pattern.as_str().into()).finish().unwrap()
    };
    let run = || FrameScoring::new(scan(), model()).with_options(options()).run(folder.path());
    run().await.unwrap();
    run().await.unwrap();
    write("2.csv", "x\n30\n");
    assert!(conflict(folder.path(), scan(), options()).await.contains("2.csv"));
    write("2.csv", "x\n3\n");
    write("3.csv", "x\n4\n");
    assert!(conflict(folder.path(), scan(), options()).await.contains(".csv"));
}

#[tokio::test]
async fn two_do_not_write_to_one_folder() {
    let folder = tempdir().unwrap();
    let first = score(numbers(5000), model(), options(), folder.path());
    let mut first = std::pin::pin!(first);
    let second = loop {
        tokio::select! {
            biased;
            done = &mut first => panic!("{done:?}"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        if folder.path().join("_scoring.json").exists() {
            break score(numbers(5000), model(), options(), folder.path()).await;
        }
    };
    match second {
        Err(Error::Conflict { reason, .. }) => assert!(reason.contains("another process")),
        other => panic!("{other:?}"),
    }
    assert_eq!(first.await.unwrap().rows, 5000);
}

#[tokio::test]
async fn damaged_parts_are_told() {
    let folder = tempdir().unwrap();
    score(numbers(200), model(), options(), folder.path()).await.unwrap();
    let part = |range: &str| folder.path().join(format!("part-{range}.parquet"));
    let second = part("000000000000060-000000000000120");

    let moved = part("000000000000061-000000000000120");
    fs::rename(&second, &moved).unwrap();
    let error = score(numbers(200), model(), options(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    fs::rename(&moved, &second).unwrap();

    let longer = part("000000000000060-000000000000121");
    fs::rename(&second, &longer).unwrap();
    let error = score(numbers(200), model(), options(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    fs::rename(&longer, &second).unwrap();

    let content = fs::read(&second).unwrap();
    fs::write(&second, &content[..content.len() / 2]).unwrap();
    assert!(score(numbers(200), model(), options(), folder.path()).await.is_err());
    fs::write(&second, content).unwrap();

    let (last, elsewhere) =
        (part("000000000000180-000000000000200"), folder.path().join("elsewhere"));
    fs::rename(&last, &elsewhere).unwrap();
    let error = score(numbers(200), model(), options(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("200 rows, and there are 180"), "{error}");
    fs::rename(&elsewhere, &last).unwrap();

    fs::write(folder.path().join("_scoring.json"), "{").unwrap();
    let error = score(numbers(200), model(), options(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    fs::remove_file(folder.path().join("_scoring.json")).unwrap();
    assert!(
        conflict(folder.path(), numbers(200).lazy(), options()).await.contains("something else")
    );
}

//! Scores Parquet or CSV files of any size with an ONNX model, into a folder of Parquet files. Stopped and
//! started again, it goes on where it was.
//!
//! ```sh
//! cargo run --release --features polars --bin score -- --keep id --out scores \
//!     --features input=age,income,visits model.onnx 'customers/*.parquet'
//! ```
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mlops_core::{inference::Predict, model::ModelId, progress::Progress};
use mlops_serve::{
    batch::{Batcher, BatcherOptions, Placement},
    score::frame::{
        FrameOptions, FrameReport, FrameScoring,
        polars::prelude::{LazyCsvReader, LazyFileListReader, LazyFrame},
    },
    session::onnxruntime::{DiscoverOptions, OnnxRuntime, OnnxSessionFactory, SessionOptions},
    threads::ThreadBudget,
};

#[derive(Parser)]
#[command(about = "Scores Parquet or CSV files of any size with an ONNX model")]
struct Arguments {
    /// The model
    model: PathBuf,
    /// A file, or a pattern such as 'data/*.parquet'; names that end in .csv are read as CSV
    input: String,
    /// The folder to write to
    #[arg(long)]
    out: PathBuf,
    /// The columns of an input in order, `input=first,second`; one that is not given is the column of its name
    #[arg(long)]
    features: Vec<String>,
    /// Columns to copy beside the outputs
    #[arg(long, value_delimiter = ',')]
    keep: Vec<String>,
    /// Outputs to compute [default: all]
    #[arg(long, value_delimiter = ',')]
    outputs: Option<Vec<String>>,
    /// Rows in a batch at most
    #[arg(long, default_value_t = 256)]
    max_batch_size: usize,
    /// Rows that may fail before it stops
    #[arg(long, default_value_t = 1000)]
    max_failed_rows: u64,
    /// The ONNX Runtime library [default: looked for beside the program and by the system's loader]
    #[arg(long, env = "ORT_DYLIB_PATH")]
    onnxruntime: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let report = tokio::select! {
        report = score(&arguments) => report?,
        _ = tokio::signal::ctrl_c() => {
            println!("stopped: the same command goes on where this one was");
            return Ok(());
        }
    };
    let FrameReport { rows, resumed_rows, failed_rows, parts, elapsed, .. } = report;
    let rate = (rows - resumed_rows) as f64 / elapsed.as_secs_f64();
    println!("{rows} rows in {parts} files of {}", arguments.out.display());
    println!("of this run: {} rows, {failed_rows} failed, {rate:.0} rows/s", rows - resumed_rows);
    Ok(())
}

async fn score(arguments: &Arguments) -> Result<FrameReport, Box<dyn Error>> {
    let mut options = FrameOptions::default()
        .with_keep(&arguments.keep)
        .with_max_failed_rows(arguments.max_failed_rows);
    options.max_request_rows = arguments.max_batch_size;
    options.outputs.clone_from(&arguments.outputs);
    for features in &arguments.features {
        let (input, columns) = features.split_once('=').ok_or("features are `input=a,b`")?;
        options = options.with_features(input, columns.split(','));
    }
    let path = arguments.input.as_str().into();
    let frame = if arguments.input.ends_with(".csv") {
        LazyCsvReader::new(path).finish()?
    } else {
        LazyFrame::scan_parquet(path, Default::default())?
    };
    let model = model(arguments)?;
    FrameScoring::new(frame, model)
        .with_options(options)
        .with_progress(Arc::new(Bar(ProgressBar::no_length())))
        .run(&arguments.out)
        .await
        .map_err(|error| error.report().into())
}

/// The model, with a session for each core.
fn model(arguments: &Arguments) -> Result<Arc<dyn Predict>, Box<dyn Error>> {
    let discover = match &arguments.onnxruntime {
        Some(path) => DiscoverOptions::default().with_path(path),
        None => DiscoverOptions::default(),
    };
    let runtime = OnnxRuntime::discover(&discover)?;
    let session = SessionOptions::default().with_intra_threads(1);
    let factory = OnnxSessionFactory::from_file(&runtime, &arguments.model, session);
    let name = arguments.model.file_stem().and_then(|name| name.to_str()).unwrap_or("model");
    let id = ModelId::new(name.parse()?, "1".parse()?);
    let options = BatcherOptions::default()
        .with_placement(Placement::Thread)
        .with_max_batch_size(arguments.max_batch_size)
        .with_instances(ThreadBudget::of_machine()?.threads());
    Ok(Arc::new(Batcher::start(id, factory, options)?))
}

/// Rows on the terminal.
#[derive(Debug)]
struct Bar(ProgressBar);

impl Progress for Bar {
    fn set_total(&self, total: Option<u64>) {
        let style = "{bar:40} {human_pos}/{human_len} rows, {per_sec}, {eta} left";
        if let (Some(total), Ok(style)) = (total, ProgressStyle::with_template(style)) {
            self.0.set_length(total);
            self.0.set_style(style);
        }
        self.0.enable_steady_tick(Duration::from_millis(100));
    }

    fn advance(&self, amount: u64) {
        self.0.inc(amount);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

//! Finds the setting an ONNX model serves best with on this machine, within a bound on latency.
//!
//!     cargo run --release --bin tune -- --p99-ms 20 examples/data/digits/models/digits/1/model.onnx
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use clap::Parser;
use indicatif::ProgressBar;
use mlops_core::{
    inference::SessionFactory,
    progress::Progress,
    signature::{Dim, ModelSignature},
    tensor::{DataType, NamedTensors, Tensor},
};
use mlops_serve::{
    session::onnxruntime::{DiscoverOptions, OnnxRuntime, OnnxSessionFactory, SessionOptions},
    threads::ThreadBudget,
    tune::{Measurement, Setting, TuneOptions, Tuner},
};

#[derive(Parser)]
#[command(about = "Finds the setting an ONNX model serves best with on this machine")]
struct Arguments {
    /// The model
    model: PathBuf,
    /// 99 % of the requests must be answered within so many milliseconds
    #[arg(long, default_value_t = 50)]
    p99_ms: u64,
    /// Requests under way at all times
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// Rows in a batch at most
    #[arg(long, default_value_t = 64)]
    max_batch_size: usize,
    /// Milliseconds of load on each setting
    #[arg(long, default_value_t = 1000)]
    load_ms: u64,
    /// The ONNX Runtime library [default: looked for beside the program and by the system's loader]
    #[arg(long, env = "ORT_DYLIB_PATH")]
    onnxruntime: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let discover = match &arguments.onnxruntime {
        Some(path) => DiscoverOptions::default().with_path(path),
        None => DiscoverOptions::default(),
    };
    let runtime = OnnxRuntime::discover(&discover)?;
    let factory = |setting: Setting| {
        let options = SessionOptions::default().with_intra_threads(setting.intra_threads);
        let factory = OnnxSessionFactory::from_file(&runtime, &arguments.model, options);
        Ok(Arc::new(factory) as Arc<dyn SessionFactory>)
    };
    let session = factory(Setting::new(1, 1, 1))?.open()?;
    let inputs = one_row_of_zeros(session.signature())?;
    drop(session);

    let options = TuneOptions::new(Duration::from_millis(arguments.p99_ms))
        .with_max_threads(ThreadBudget::of_machine()?.threads())
        .with_max_batch_size(arguments.max_batch_size)
        .with_callers(arguments.callers)
        .with_load(Duration::from_millis(arguments.load_ms), 200_000);
    let report = Tuner::new(factory, inputs, options)
        .with_progress(Arc::new(Bar(ProgressBar::new_spinner())))
        .run()?;

    println!("instances  threads  batch  requests/s     p50 ms     p99 ms  cpu %  mean batch");
    for measured in report.measurements() {
        println!("{}", row(measured));
    }
    match report.best() {
        Some(best) => println!("\nBest: {}.", best.setting),
        None => println!("\nNone will do."),
    }
    println!("Bottleneck: {}.", report.bottleneck());
    if !report.is_complete() {
        println!("The search was cut short: more time may find a better one.");
    }
    Ok(())
}

fn row(measured: &Measurement) -> String {
    let Setting { instances, intra_threads, max_batch_size, .. } = measured.setting;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    format!(
        "{instances:9}  {intra_threads:7}  {max_batch_size:5}  {:10.0}  {:9.3}  {:9.3}  {:>5}  {:10.1}",
        measured.throughput,
        millis(measured.p50),
        millis(measured.p99),
        measured.cpu.map_or("?".into(), |share| format!("{:.0}", share * 100.0)),
        measured.mean_batch,
    )
}

/// A request: one row, and 1 along every other free axis.
fn one_row_of_zeros(signature: &ModelSignature) -> mlops_core::Result<NamedTensors> {
    let mut inputs = NamedTensors::new();
    for spec in &signature.inputs {
        let size = |dim: &Dim| if let Dim::Fixed(size) = dim { *size } else { 1 };
        let shape: Vec<usize> = spec.shape.iter().map(size).collect();
        let count: usize = shape.iter().product();
        let tensor = match spec.data_type {
            DataType::Bytes => Tensor::from_strings(&shape, vec!["".into(); count])?,
            data_type => {
                let zeros = vec![0; count * data_type.size_bytes().unwrap_or(0)];
                Tensor::from_bytes(data_type, &shape, zeros.into())?.into_aligned()
            }
        };
        inputs.insert(Arc::clone(&spec.name), tensor)?;
    }
    Ok(inputs)
}

/// Counts the settings that were tried.
#[derive(Debug)]
struct Bar(ProgressBar);

impl Progress for Bar {
    fn set_total(&self, _: Option<u64>) {
        self.0.enable_steady_tick(Duration::from_millis(100));
        self.0.set_message("trying settings");
    }

    fn advance(&self, amount: u64) {
        self.0.inc(amount);
        self.0.set_message(format!("{} settings tried", self.0.position()));
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

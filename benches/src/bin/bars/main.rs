//! The bars: each a ratio to a baseline in the same run. `cargo xtask bench` runs it.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

mod batcher;
mod queue;
mod session;

use std::{error::Error, path::PathBuf, time::Instant};

use clap::{Parser, Subcommand};
use mlops_core::{
    model::ModelId,
    ndarray::Array2,
    tensor::{NamedTensors, Tensor},
};
use mlops_serve::session::onnxruntime::{
    OnnxRuntime, OnnxSession, OnnxSessionFactory, SessionOptions,
};
use ort::value::TensorRef;
use tokio::runtime::Runtime;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bar: Bar,
}

#[derive(Subcommand)]
enum Bar {
    /// The session wrapper over a bare session
    Session(Places),
    /// The batcher, idle and saturated
    Batcher(Places),
    /// Mixed shapes and deadlines
    Queue,
}

#[derive(clap::Args)]
struct Places {
    /// The ONNX Runtime library
    library: PathBuf,
    /// The folder of the models
    models: PathBuf,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    match Arguments::parse().bar {
        Bar::Session(places) => session::run(&places),
        Bar::Batcher(places) => batcher::run(&places),
        Bar::Queue => queue::run(),
    }
}

/// A model of the benchmarks.
struct Model {
    name: &'static str,
    width: usize,
    path: PathBuf,
}

impl Places {
    fn models(&self) -> [Model; 2] {
        [("small", 64), ("big", 512)].map(|(name, width)| {
            let path = self.models.join(name).join("1/model.onnx");
            Model { name, width, path }
        })
    }

    fn factory(&self, model: &Model) -> Result<OnnxSessionFactory> {
        let runtime = OnnxRuntime::load(&self.library)?;
        Ok(OnnxSessionFactory::from_file(&runtime, &model.path, SessionOptions::default()))
    }
}

/// Nanoseconds for a bare run of this many rows, over this many runs.
fn bare_nanos(session: &mut OnnxSession, rows: usize, width: usize, runs: usize) -> f64 {
    let input = vec![0.5_f32; rows * width];
    let session = session.bare();
    let started = Instant::now();
    for _ in 0..runs {
        let value = TensorRef::from_array_view(([rows, width], &input[..])).expect("a tensor");
        let outputs = session.run(ort::inputs![value]).expect("the run succeeds");
        std::hint::black_box(outputs[0].try_extract_tensor::<f32>().expect("floats").1[0]);
    }
    started.elapsed().as_nanos() as f64 / runs as f64
}

fn inputs(name: &str, rows: usize, width: usize) -> NamedTensors {
    NamedTensors::single(name, Tensor::from_array(Array2::from_elem((rows, width), 0.5_f32)))
}

fn id() -> ModelId {
    ModelId::new("bench".parse().expect("a name"), "1".parse().expect("a version"))
}

fn runtime(threads: usize) -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

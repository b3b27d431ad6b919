//! furnace-server with a model in ONNX Runtime behind its trait.
//!
//!     furnace-peer NAME MODEL ADDRESS LIBRARY

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use axum::routing::get;
use furnace::{
    DataType, FurnaceError, HostTensor, IoSpec, Model, ModelError, Server, TensorModel, Values,
};
use ort::{
    session::{Session, builder::GraphOptimizationLevel},
    value::TensorRef,
};

type Failure = Box<dyn std::error::Error>;

/// Runs, and rows in them.
type Counts = Arc<[AtomicU64; 2]>;

#[derive(Debug)]
struct Onnx {
    name: String,
    session: Mutex<Session>,
    counts: Counts,
}

impl TensorModel for Onnx {
    fn name(&self) -> &str {
        &self.name
    }

    fn backend(&self) -> &str {
        "cpu"
    }

    fn inputs(&self) -> Vec<IoSpec> {
        vec![match self.name.as_str() {
            "small" => IoSpec::fp32("input", &[64]),
            "big" => IoSpec::fp32("input", &[512]),
            "cnn" => IoSpec::fp32("input", &[1, 28, 28]),
            _ => IoSpec::new("input", DataType::Int64, &[None]),
        }]
    }

    fn outputs(&self) -> Vec<IoSpec> {
        vec![IoSpec::fp32("output", &[10])]
    }

    fn run(&self, inputs: Vec<HostTensor>) -> furnace::Result<Vec<HostTensor>> {
        self.infer(&inputs[0]).map(|output| vec![output]).map_err(|error| {
            FurnaceError::from(ModelError::InferenceFailed(error.to_string()))
        })
    }
}

impl Onnx {
    fn infer(&self, input: &HostTensor) -> Result<HostTensor, Failure> {
        self.counts[0].fetch_add(1, Relaxed);
        self.counts[1].fetch_add(input.batch() as u64, Relaxed);
        let shape = input.shape.clone();
        let mut session = self.session.lock().map_err(|_| "another run panicked")?;
        let outputs = match &input.values {
            Values::F32(values) => {
                session.run(ort::inputs![TensorRef::from_array_view((shape, &values[..]))?])?
            }
            Values::I64(values) => {
                session.run(ort::inputs![TensorRef::from_array_view((shape, &values[..]))?])?
            }
        };
        let (shape, values) = outputs[0].try_extract_tensor::<f32>()?;
        let shape = shape.iter().map(|size| *size as usize).collect();
        Ok(HostTensor { shape, values: Values::F32(values.to_vec()) })
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let [name, model, address, library] = <[String; 4]>::try_from(arguments)
        .map_err(|given| format!("usage: furnace-peer NAME MODEL ADDRESS LIBRARY, not {given:?}"))?;
    let environment = ort::init_from(library)?.build()?;
    let session = Session::builder(&environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .commit_from_file(model)?;
    let counts = Counts::default();
    let model = Onnx { name, session: Mutex::new(session), counts: Arc::clone(&counts) };
    let router = Server::new()
        .model(Model::custom(model))
        .max_batch_size(64)
        .configure(|config| {
            // One instance of the model, as everywhere, and room for every client of the benchmark.
            config.batching.workers = 1;
            config.max_concurrent_requests = 1024;
        })
        .router()?
        .route(
            "/batches",
            get(async move || format!("{} {}", counts[0].load(Relaxed), counts[1].load(Relaxed))),
        );
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

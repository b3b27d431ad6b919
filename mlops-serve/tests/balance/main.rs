//! One model on several replicas.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod conformance;
mod failures;
mod replicas;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    model::ModelId,
    tensor::{NamedTensors, Tensor},
    testing::{predict::MockPredict, session::MockSession},
};
use ndarray::Array2;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

fn id() -> ModelId {
    ModelId::new("m".parse().unwrap(), "1".parse().unwrap())
}

fn descriptor() -> ModelDescriptor {
    let signature =
        Arc::clone(mlops_core::inference::InferenceSession::signature(&MockSession::identity(4)));
    ModelDescriptor::new(Arc::new(id()), signature, "mock").with_max_batch_size(8)
}

fn rows(count: usize, value: f32) -> NamedTensors {
    NamedTensors::single("x", Tensor::from_array(Array2::from_elem((count, 4), value)))
}

fn request() -> InferenceRequest {
    InferenceRequest::new(rows(1, 1.0))
}

/// An identity that fails as it is told, can be held up, and counts what it is asked.
#[derive(Debug)]
struct Replica {
    inner: MockPredict,
    error: Mutex<Option<Error>>,
    gate: Semaphore,
    asked: AtomicUsize,
}

impl Replica {
    fn new() -> Arc<Self> {
        let inner = MockPredict::new(descriptor(), |request| {
            Ok(NamedTensors::single("y", request.inputs.require("x")?.clone()))
        });
        let gate = Semaphore::new(Semaphore::MAX_PERMITS / 2);
        Arc::new(Self { inner, error: Mutex::default(), gate, asked: AtomicUsize::new(0) })
    }

    fn fail(&self, error: Option<Error>) {
        *self.error.lock() = error;
    }

    /// Holds requests up until the gate gets permits.
    fn close_gate(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Predict for Replica {
    fn descriptor(&self) -> &ModelDescriptor {
        self.inner.descriptor()
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.acquire().await);
        if let Some(error) = self.error.lock().clone() {
            return Err(error);
        }
        self.inner.predict(request).await
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replica({})", self.inner.descriptor().id)
    }
}

fn dynamic(replicas: &[Arc<Replica>]) -> Vec<Arc<dyn Predict>> {
    replicas.iter().map(|replica| Arc::<Replica>::clone(replica) as Arc<dyn Predict>).collect()
}

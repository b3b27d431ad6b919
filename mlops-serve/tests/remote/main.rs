//! Models on other servers: this crate's own over real sockets, and some that misbehave.
#![cfg(all(feature = "remote", feature = "http"))]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod carried;
mod conformance;
mod connect;
mod errors;
mod misbehaving;
mod scripted;

use std::{net::SocketAddr, sync::Arc};

use mlops_core::{
    inference::{InferenceRequest, InferenceSession, ModelDescriptor, Predict},
    model::ModelId,
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    host::ModelTable,
    protocol::{ServeOptions, oip, serve},
    remote::{Remote, RemoteOptions},
};
use ndarray::Array2;
use tokio::{net::TcpListener, task::JoinHandle};

/// A server of these models; it ends when it is dropped.
struct Server {
    address: SocketAddr,
    table: Arc<ModelTable>,
    task: JoinHandle<mlops_core::Result<()>>,
}

impl Server {
    async fn start(models: impl IntoIterator<Item = Arc<dyn Predict>>) -> Self {
        let table = Arc::new(ModelTable::new());
        for model in models {
            table.publish(model);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = oip::router(Arc::<ModelTable>::clone(&table), oip::RestOptions::default());
        let server = serve(listener, router, ServeOptions::default(), std::future::pending());
        Self { address, table, task: tokio::spawn(server) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn connect(&self, model: &str) -> Remote {
        Remote::connect(&self.url(), model, RemoteOptions::default()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn id(name: &str, version: &str) -> ModelId {
    ModelId::new(name.parse().unwrap(), version.parse().unwrap())
}

fn batcher(id: ModelId, session: &MockSession) -> Arc<dyn Predict> {
    let options =
        BatcherOptions::default().with_max_batch_size(8).with_placement(Placement::Thread);
    let factory = MockFactory::new(session.clone());
    Arc::new(Batcher::builder(id, factory, options).warm_up(WarmUp::None).start().unwrap())
}

/// `x` to `y`, FP32 `[batch, 4]`.
fn descriptor() -> ModelDescriptor {
    let signature = Arc::clone(MockSession::identity(4).signature());
    ModelDescriptor::new(Arc::new(id("m", "1")), signature, "mock").with_max_batch_size(8)
}

fn rows(count: usize, value: f32) -> NamedTensors {
    NamedTensors::single("x", Tensor::from_array(Array2::from_elem((count, 4), value)))
}

fn request() -> InferenceRequest {
    InferenceRequest::new(rows(1, 1.0))
}

//! The contract of `Predict`, over real sockets.

use std::sync::Arc;

use async_trait::async_trait;
use mlops_core::{
    inference::Predict,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors},
    testing::{Build, predict, sample_inputs, session::MockSession},
};
use mlops_serve::{
    balance::{Balance, BalanceOptions},
    remote::Remote,
};

use crate::{Server, batcher, id};

/// Gives back an input of this type.
fn identity(data_type: DataType) -> MockSession {
    let shape = || [Dim::Symbolic("batch".into()), Dim::Unknown];
    let spec = |name| TensorSpec::new(name, data_type, shape());
    let signature =
        ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y"), spec("again")] };
    MockSession::new(signature, |inputs| {
        let x = inputs.require("x")?;
        let mut outputs = NamedTensors::single("y", x.clone());
        outputs.insert("again", x.clone())?;
        Ok(outputs)
    })
}

struct One(DataType);

#[async_trait]
impl Build<predict::Subject> for One {
    type Guard = Server;

    async fn build(&self) -> (predict::Subject, Server) {
        let server = Server::start([batcher(id("m", "1"), &identity(self.0))]).await;
        let remote: Remote = server.connect("m").await;
        let signature = &remote.descriptor().signature;
        let samples = (0..3).map(|n| sample_inputs(signature, n + 1, n as u64).unwrap()).collect();
        (predict::Subject { predict: Arc::new(remote), samples, tolerance: 0.0 }, server)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_models_of_every_type_conform() {
    for data_type in DataType::ALL {
        let report = predict::test_all(&One(data_type)).await;
        assert!(report.failed.is_empty(), "{data_type}:\n{report}");
    }
}

/// Two hosts in front of which a third one stands, behind a server of its own.
struct Fronted;

#[async_trait]
impl Build<predict::Subject> for Fronted {
    type Guard = [Server; 3];

    async fn build(&self) -> (predict::Subject, [Server; 3]) {
        let back = || batcher(id("m", "1"), &MockSession::identity(4));
        let hosts = [Server::start([back()]).await, Server::start([back()]).await];
        let mut replicas: Vec<Arc<dyn Predict>> = Vec::new();
        for host in &hosts {
            replicas.push(Arc::new(host.connect("m").await));
        }
        let balance = Balance::new(replicas, &BalanceOptions::default()).unwrap();
        let front = Server::start([Arc::new(balance) as Arc<dyn Predict>]).await;
        let remote = front.connect("m").await;
        let samples = (0..3).map(|n| crate::rows(n + 1, n as f32)).collect();
        let [first, second] = hosts;
        let subject = predict::Subject { predict: Arc::new(remote), samples, tolerance: 0.0 };
        (subject, [front, first, second])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_fronts_several() {
    predict::test_all(&Fronted).await.assert_passed();
}

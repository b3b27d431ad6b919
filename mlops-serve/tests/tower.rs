//! Models through tower's layers and back.
#![cfg(feature = "tower")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mlops_core::{
    Error,
    inference::{InferenceRequest, Predict},
    model::ModelId,
    ndarray::Array2,
    tensor::{NamedTensors, Tensor},
    testing::{
        Build, predict,
        session::{MockFactory, MockSession},
    },
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    tower::{PredictService, ServicePredict},
};
use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer, timeout::TimeoutLayer};

fn model(session: &MockSession) -> Arc<dyn Predict> {
    let id = ModelId::new("mock".parse().unwrap(), "1".parse().unwrap());
    let options = BatcherOptions::default().with_placement(Placement::Thread);
    let factory = MockFactory::new(session.clone());
    Arc::new(Batcher::builder(id, factory, options).warm_up(WarmUp::None).start().unwrap())
}

fn layered(
    session: &MockSession,
) -> ServicePredict<
    impl tower::Service<
        InferenceRequest,
        Response = mlops_core::inference::InferenceResponse,
        Error: Into<tower::BoxError>,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static,
> {
    let model = model(session);
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(3600)))
        .layer(ConcurrencyLimitLayer::new(2))
        .service(PredictService::new(Arc::clone(&model)));
    ServicePredict::new(service, model.descriptor().clone())
}

fn rows(count: usize, value: f32) -> NamedTensors {
    NamedTensors::single("x", Tensor::from_array(Array2::from_elem((count, 4), value)))
}

struct Layered;

#[async_trait]
impl Build<predict::Subject> for Layered {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let predict = Arc::new(layered(&MockSession::identity(4)));
        let samples = (0..3).map(|n| rows(n + 1, n as f32)).collect();
        (predict::Subject { predict, samples, tolerance: 0.0 }, ())
    }
}

#[tokio::test]
async fn a_layered_model_conforms() {
    predict::test_all(&Layered).await.assert_passed();
}

#[tokio::test(start_paused = true)]
async fn a_layer_adds_what_it_is_for() {
    let session = MockSession::identity(4);
    let log = session.log();
    let predict = layered(&session);
    assert_eq!(predict.to_string(), "Service(mock/1)");
    log.close_gate();
    let error = predict.predict(InferenceRequest::new(rows(1, 0.0))).await.unwrap_err();
    assert!(matches!(error, Error::Backend { backend: "tower layer", .. }), "{error}");
    assert!(error.report().contains("timed out"), "{}", error.report());
    log.open_gate();
}

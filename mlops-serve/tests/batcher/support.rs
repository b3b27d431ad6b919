//! A batcher of mock sessions that can be held up.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    inference::{InferenceRequest, InferenceResponse, InferenceSession, Predict},
    model::ModelId,
    tensor::{NamedTensors, Tensor},
    testing::{
        clock::ManualClock,
        session::{MockFactory, MockLog, MockSession},
    },
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherBuilder, BatcherOptions, Placement},
};
use ndarray::Array2;
use tokio::task::JoinHandle;

pub(crate) fn id() -> ModelId {
    ModelId::new("mock".parse().unwrap(), "1".parse().unwrap())
}

pub(crate) fn options(placement: Placement) -> BatcherOptions {
    BatcherOptions::default().with_max_batch_size(8).with_placement(placement)
}

pub(crate) fn builder(session: &MockSession, options: BatcherOptions) -> BatcherBuilder {
    Batcher::builder(id(), MockFactory::new(session.clone()), options).warm_up(WarmUp::None)
}

pub(crate) fn start(session: &MockSession, options: BatcherOptions) -> Arc<Batcher> {
    Arc::new(builder(session, options).start().unwrap())
}

/// Rows that hold `value`, four wide, as [`MockSession::identity`] takes them.
pub(crate) fn rows(count: usize, value: f32) -> NamedTensors {
    NamedTensors::single("x", Tensor::from_array(Array2::from_elem((count, 4), value)))
}

pub(crate) fn request(count: usize, value: f32) -> InferenceRequest {
    InferenceRequest::new(rows(count, value))
}

pub(crate) type Answer = JoinHandle<mlops_core::Result<InferenceResponse>>;

pub(crate) fn send(batcher: &Arc<Batcher>, request: InferenceRequest) -> Answer {
    let batcher = Arc::clone(batcher);
    tokio::spawn(async move { batcher.predict(request).await })
}

/// Waits until this many requests are queued.
pub(crate) async fn until_queued(batcher: &Batcher, count: usize) {
    while batcher.load().queued_requests != count {
        tokio::task::yield_now().await;
    }
}

/// A batcher over this session, which is held up in the run of a first request.
pub(crate) async fn held(
    session: MockSession,
    options: BatcherOptions,
) -> (Arc<Batcher>, Arc<MockLog>, Answer) {
    let batcher = start(&session, options);
    let log = session.log();
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_held(&log, 1).await;
    (batcher, log, first)
}

/// Waits until this many runs are held at the gate.
pub(crate) async fn until_held(log: &Arc<MockLog>, count: usize) {
    let log = Arc::clone(log);
    tokio::task::spawn_blocking(move || log.until_held(count)).await.unwrap();
}

pub(crate) fn value(response: &InferenceResponse) -> f32 {
    response.outputs.get("y").unwrap().clone().into_aligned().as_slice::<f32>().unwrap()[0]
}

pub(crate) async fn until_running(batcher: &Batcher, count: usize) {
    while batcher.load().running_requests != count {
        tokio::task::yield_now().await;
    }
}

/// Fails on a negative number anywhere in its batch, panics on infinity.
pub(crate) fn squeamish() -> MockSession {
    let identity = MockSession::identity(4);
    MockSession::new(identity.signature().as_ref().clone(), |inputs| {
        let x = inputs.require("x")?;
        let values = x.as_slice::<f32>()?;
        assert!(!values.contains(&f32::INFINITY), "infinity");
        if values.iter().any(|value| *value < 0.0) {
            return Err(Error::backend("squeamish", "negative"));
        }
        Ok(NamedTensors::single("y", x.clone()))
    })
}

/// A session whose runs take this long by the clock.
pub(crate) fn slow(clock: Arc<ManualClock>, takes: Duration) -> MockSession {
    let identity = MockSession::identity(4);
    MockSession::new(identity.signature().as_ref().clone(), move |inputs| {
        clock.advance(takes);
        Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
    })
}

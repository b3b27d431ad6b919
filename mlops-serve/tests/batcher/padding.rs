//! Requests of different shapes in one batch, and requests larger than one.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    inference::{InferenceRequest, Predict},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::{
        predict,
        session::{MockFactory, MockSession},
    },
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Padding, Placement, Rounding},
};
use ndarray::{Array1, Array2};

use crate::support::{held, id, options, request, rows, send, start, until_queued};

/// A model of texts: `sum` of what the mask calls real, and each token doubled, padding included.
fn texts() -> MockSession {
    let (batch, length) = (|| Dim::Symbolic("batch".into()), || Dim::Symbolic("length".into()));
    let signature = ModelSignature {
        inputs: vec![
            TensorSpec::new("ids", DataType::F32, [batch(), length()]),
            TensorSpec::new("mask", DataType::I64, [batch(), length()]),
        ],
        outputs: vec![
            TensorSpec::new("sum", DataType::F32, [batch()]),
            TensorSpec::new("doubled", DataType::F32, [batch(), length()]),
        ],
    };
    MockSession::new(signature, |inputs| {
        let ids = inputs.require("ids")?.view::<f32>()?;
        let mask = inputs.require("mask")?.view::<i64>()?;
        let real = &ids * &mask.mapv(|mask| mask as f32);
        let sums: Array1<f32> = real.outer_iter().map(|row| row.sum()).collect();
        let mut outputs = NamedTensors::single("sum", Tensor::from_array(sums));
        outputs.insert("doubled", Tensor::from_array(ids.mapv(|id| 2.0 * id)))?;
        Ok(outputs)
    })
}

fn padded(rounding: Rounding) -> BatcherOptions {
    let padding = Padding::new("length", rounding).with_mask("mask").with_value("ids", -9);
    options(Placement::Thread).with_padding([padding])
}

fn text(tokens: &[f32]) -> InferenceRequest {
    let ids = Array2::from_shape_vec((1, tokens.len()), tokens.to_vec()).unwrap();
    InferenceRequest::new(NamedTensors::single("ids", Tensor::from_array(ids)))
}

fn numbers(outputs: &NamedTensors, name: &str) -> Vec<f32> {
    outputs.get(name).unwrap().clone().into_aligned().as_slice::<f32>().unwrap().to_vec()
}

#[tokio::test]
async fn texts_of_different_lengths_share_a_batch() {
    let (batcher, log) = {
        let session = texts();
        (start(&session, padded(Rounding::Sizes(vec![4, 16]))), session.log())
    };
    let names: Vec<_> =
        batcher.descriptor().signature.inputs.iter().map(|spec| spec.name.to_string()).collect();
    assert_eq!(names, ["ids"], "callers do not send the mask");

    log.close_gate();
    let first = send(&batcher, text(&[1.0]));
    crate::support::until_held(&log, 1).await;
    let asked: Vec<Vec<f32>> =
        (1..=8).map(|length| (0..length).map(|n| n as f32 + 1.0).collect()).collect();
    let answers: Vec<_> = asked.iter().map(|tokens| send(&batcher, text(tokens))).collect();
    until_queued(&batcher, 8).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    for (tokens, answer) in asked.iter().zip(answers) {
        let outputs = answer.await.unwrap().unwrap().outputs;
        assert_eq!(numbers(&outputs, "sum"), [tokens.iter().sum::<f32>()]);
        let doubled: Vec<f32> = tokens.iter().map(|token| 2.0 * token).collect();
        assert_eq!(outputs.get("doubled").unwrap().shape(), [1, tokens.len()]);
        assert_eq!(numbers(&outputs, "doubled"), doubled);
    }
    // Up to four tokens in one batch, up to sixteen in another.
    assert_eq!(log.runs(), [1, 4, 4]);

    let error = batcher.predict(text(&[0.0; 17])).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidTensor { tensor, .. } if &**tensor == "ids"), "{error}");
    assert!(error.to_string().contains("at most 16"), "{error}");
}

#[tokio::test]
async fn tokens_bound_a_batch() {
    let geometric = Rounding::Geometric { smallest: 4, growth_percent: 50 };
    let session = texts();
    let log = session.log();
    let batcher = start(&session, padded(geometric).with_max_batch_cost(32));
    log.close_gate();
    let first = send(&batcher, text(&[1.0]));
    crate::support::until_held(&log, 1).await;
    // Twelve tokens each, padded: two in a batch, although eight rows would be allowed.
    let answers: Vec<_> = (0..4).map(|_| send(&batcher, text(&[1.0; 11]))).collect();
    until_queued(&batcher, 4).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(log.runs(), [1, 2, 2]);
    let error = batcher.predict(text(&[1.0; 40])).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 32, .. }), "{error}");
}

#[tokio::test]
async fn batches_are_filled_up_to_an_allowed_size() {
    let sizes = options(Placement::Thread).with_allowed_batch_sizes([8, 2, 4]);
    let (batcher, log, first) = held(MockSession::identity(4), sizes).await;
    let answers: Vec<_> = (1..=3).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_queued(&batcher, 3).await;
    log.open_gate();
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.outputs.get("y").unwrap().shape(), [1, 4]);
    for (n, answer) in answers.into_iter().enumerate() {
        let response = answer.await.unwrap().unwrap();
        assert_eq!(numbers(&response.outputs, "y"), [n as f32 + 1.0; 4]);
        assert_eq!(response.timings.batch_rows, 3);
    }
    assert_eq!(log.runs(), [2, 4]);
    // Full ones stay as they are.
    batcher.predict(request(8, 0.0)).await.unwrap();
    assert_eq!(log.runs(), [2, 4, 8]);
}

#[tokio::test]
async fn every_allowed_size_and_length_is_warmed_up() {
    let session = texts();
    let log = session.log();
    let options = padded(Rounding::Sizes(vec![4, 16])).with_allowed_batch_sizes([1, 8]);
    Batcher::start(id(), MockFactory::new(session), options).unwrap();
    // Twice each: two sizes by two lengths.
    assert_eq!(log.runs(), [1, 1, 8, 8, 1, 1, 8, 8]);
}

#[tokio::test]
async fn larger_requests_are_split_and_joined() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let session = MockSession::identity(4);
        let log = session.log();
        let batcher = start(&session, options(placement).with_max_request_rows(100));
        assert_eq!(batcher.descriptor().max_batch_size, Some(100));
        let x = Array2::from_shape_fn((30, 4), |(row, column)| (10 * row + column) as f32);
        let inputs = NamedTensors::single("x", Tensor::from_array(x.clone()));
        let response = batcher.predict(InferenceRequest::new(inputs)).await.unwrap();
        assert_eq!(response.outputs.get("y").unwrap().view::<f32>().unwrap(), x.into_dyn());
        assert_eq!((response.timings.rows, response.timings.batch_rows), (30, 8));
        assert_eq!(log.runs(), [8, 8, 8, 6]);

        let error = batcher.predict(request(101, 0.0)).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { actual: 101, limit: 100, .. }), "{error}");
        log.fail_next(Error::backend("mock", "out of order"));
        let error = batcher.predict(request(30, 0.0)).await.unwrap_err();
        assert!(error.report().contains("out of order"), "{}", error.report());
        assert_eq!(batcher.load().queued_requests, 0, "parts were left behind");
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

#[tokio::test]
async fn a_larger_request_that_goes_away_leaves_nothing_behind() {
    let options = options(Placement::Thread).with_max_request_rows(100);
    let (batcher, log, first) = held(MockSession::identity(4), options).await;
    let large = send(&batcher, request(100, 1.0));
    until_queued(&batcher, 13).await;
    large.abort();
    until_queued(&batcher, 0).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    assert_eq!(log.runs(), [1]);
}

/// Padding, splitting and filling up, all at once.
struct Everything(Placement);

#[async_trait::async_trait]
impl mlops_core::testing::Build<predict::Subject> for Everything {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let options = padded(Rounding::Geometric { smallest: 2, growth_percent: 40 })
            .with_placement(self.0)
            .with_allowed_batch_sizes([1, 4, 8])
            .with_max_request_rows(64);
        let samples = (1..=4)
            .map(|n| {
                let ids = Array2::from_shape_fn((n, 3 * n), |(i, j)| (n * i + j) as f32);
                NamedTensors::single("ids", Tensor::from_array(ids))
            })
            .collect();
        let predict: Arc<dyn Predict> = start(&texts(), options);
        (predict::Subject { predict, samples, tolerance: 0.0 }, ())
    }
}

#[tokio::test]
async fn a_batcher_that_pads_conforms() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        predict::test_all(&Everything(placement)).await.assert_passed();
    }
}

#[test]
fn shapes_that_do_not_fit_the_model_are_refused() {
    let start = |session: MockSession, options| {
        let builder = Batcher::builder(id(), MockFactory::new(session), options);
        builder.warm_up(WarmUp::Samples([rows(1, 0.0)].into())).start().unwrap_err()
    };
    let lengths = || Padding::new("length", Rounding::Sizes(vec![4]));
    let thread = || options(Placement::Thread);
    for (session, options) in [
        (MockSession::identity(4), thread().with_padding([lengths()])),
        (texts(), thread().with_padding([lengths().with_mask("nobody")])),
        (texts(), thread().with_allowed_batch_sizes([1, 4])),
        (texts(), thread().with_allowed_batch_sizes([0, 8])),
        (texts(), thread().with_max_request_rows(7)),
        (
            texts(),
            thread()
                .with_allowed_batch_sizes([8])
                .with_batching(mlops_serve::batch::Batching::Never),
        ),
    ] {
        let error = start(session, options);
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
}

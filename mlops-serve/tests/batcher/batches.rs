//! Which requests run together.

use mlops_core::{
    inference::{InferenceRequest, Predict},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::MockSession,
};
use mlops_serve::batch::{Batching, Placement};
use ndarray::Array2;

use crate::support::{held, options, request, send, start, until_held, until_queued, value};

#[tokio::test]
async fn a_free_session_takes_what_is_queued() {
    let (batcher, log, first) = held(MockSession::identity(4), options(Placement::Thread)).await;
    let others: Vec<_> = (1..=5).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_queued(&batcher, 5).await;
    log.open_gate();
    let first = first.await.unwrap().unwrap();
    assert_eq!((value(&first), first.timings.batch_rows), (0.0, 1));
    for (n, answer) in others.into_iter().enumerate() {
        let response = answer.await.unwrap().unwrap();
        assert_eq!((value(&response), response.timings.batch_rows), (n as f32 + 1.0, 5));
    }
    assert_eq!(log.runs(), [1, 5]);
}

#[tokio::test]
async fn batches_are_no_larger_than_allowed() {
    let (batcher, log, first) = held(MockSession::identity(4), options(Placement::Thread)).await;
    let mut others = Vec::new();
    for (n, rows) in [3, 3, 3, 8, 1, 1].into_iter().enumerate() {
        others.push(send(&batcher, request(rows, 0.0)));
        until_queued(&batcher, n + 1).await;
    }
    log.open_gate();
    for answer in others {
        answer.await.unwrap().unwrap();
    }
    first.await.unwrap().unwrap();
    assert_eq!(log.runs(), [1, 6, 3, 8, 2]);
}

#[tokio::test]
async fn alternating_shapes_still_batch() {
    let free = || [Dim::Symbolic("batch".into()), Dim::Symbolic("length".into())];
    let signature = ModelSignature {
        inputs: vec![TensorSpec::new("x", DataType::F32, free())],
        outputs: vec![TensorSpec::new("y", DataType::F32, free())],
    };
    let session = MockSession::new(signature, |inputs| {
        Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
    });
    let (batcher, log, first) = held(session, options(Placement::Thread)).await;
    let mut others = Vec::new();
    for n in 0..8 {
        let x = Tensor::from_array(Array2::from_elem((1, 1 + n % 2), n as f32));
        others.push(send(&batcher, InferenceRequest::new(NamedTensors::single("x", x))));
        until_queued(&batcher, n + 1).await;
    }
    log.open_gate();
    for (n, answer) in others.into_iter().enumerate() {
        let response = answer.await.unwrap().unwrap();
        assert_eq!(response.outputs.get("y").unwrap().shape(), [1, 1 + n % 2]);
        assert_eq!(value(&response), n as f32);
    }
    first.await.unwrap().unwrap();
    assert_eq!(log.runs(), [1, 4, 4]);
}

#[tokio::test]
async fn a_model_without_a_batch_axis_runs_one_by_one() {
    let spec = |name| TensorSpec::new(name, DataType::F32, [Dim::Fixed(2), Dim::Fixed(4)]);
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    let session = MockSession::new(signature, |inputs| {
        Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
    });
    let batchable = MockSession::identity(4);
    let never = options(Placement::Thread).with_batching(Batching::Never);
    for (session, options) in [(session, options(Placement::Thread)), (batchable, never)] {
        let log = session.log();
        let batcher = start(&session, options);
        assert_eq!(batcher.descriptor().max_batch_size, None);
        let first = {
            log.close_gate();
            let first = send(&batcher, request(2, 0.0));
            until_held(&log, 1).await;
            first
        };
        let others: Vec<_> = (1..4).map(|n| send(&batcher, request(2, n as f32))).collect();
        until_queued(&batcher, 3).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for (n, answer) in others.into_iter().enumerate() {
            assert_eq!(value(&answer.await.unwrap().unwrap()), n as f32 + 1.0);
        }
        assert_eq!(log.runs(), [2, 2, 2, 2]);
    }
}

#[tokio::test]
async fn requests_for_different_outputs_do_not_mix() {
    let spec = |name| TensorSpec::new(name, DataType::F32, [Dim::Unknown, Dim::Fixed(4)]);
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y"), spec("z")] };
    let session = MockSession::new(signature, |inputs| {
        let mut outputs = NamedTensors::single("y", inputs.require("x")?.clone());
        outputs.insert("z", inputs.require("x")?.clone())?;
        Ok(outputs)
    });
    let (batcher, log, first) = held(session, options(Placement::Thread)).await;
    let mut others = Vec::new();
    for n in 0..4 {
        let name = ["y", "z"][n % 2];
        others.push(send(&batcher, request(1, 0.0).with_requested_outputs([name])));
        until_queued(&batcher, n + 1).await;
    }
    log.open_gate();
    first.await.unwrap().unwrap();
    for (n, answer) in others.into_iter().enumerate() {
        let outputs = answer.await.unwrap().unwrap().outputs;
        let names: Vec<_> = outputs.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, [["y", "z"][n % 2]]);
    }
    assert_eq!(log.runs(), [1, 2, 2]);
}

#[tokio::test]
async fn several_instances_run_at_once() {
    let session = MockSession::identity(4);
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread).with_instances(3));
    log.close_gate();
    let mut answers = Vec::new();
    for n in 0..3 {
        answers.push(send(&batcher, request(1, n as f32)));
        until_held(&log, n + 1).await;
    }
    log.open_gate();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(log.runs(), [1, 1, 1]);
}

#[tokio::test]
async fn requests_without_rows_are_answered() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let batcher = start(&MockSession::identity(4), options(placement));
        let response = batcher.predict(request(0, 0.0)).await.unwrap();
        assert_eq!(response.outputs.get("y").unwrap().shape(), [0, 4]);
    }
}

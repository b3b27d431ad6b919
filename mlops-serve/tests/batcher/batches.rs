//! Which requests run together.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    inference::{InferenceRequest, Parameter, Predict, RequestContext},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::{clock::ManualClock, session::MockSession},
};
use mlops_serve::batch::{Batching, Placement, PriorityOptions};
use ndarray::Array2;
use parking_lot::Mutex;

use crate::support::{
    builder, held, options, request, send, start, until_held, until_queued, value,
};

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
    // Two of three rows leave room for the two of one, behind larger ones.
    assert_eq!(log.runs(), [1, 8, 3, 8]);
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

#[tokio::test]
async fn marked_parameters_keep_requests_apart() {
    let options = options(Placement::Thread).with_batch_parameters(["adapter"]);
    let (batcher, log, first) = held(MockSession::identity(4), options).await;
    let mut others = Vec::new();
    for n in 0..6 {
        let mut context = RequestContext::default();
        let adapter = Parameter::String(["x", "y"][n % 2].into());
        context.parameters.insert("adapter".into(), adapter);
        context.parameters.insert("other".into(), Parameter::Integer(n as i64));
        others.push(send(&batcher, request(1, 0.0).with_context(context)));
        until_queued(&batcher, n + 1).await;
    }
    log.open_gate();
    for answer in others {
        answer.await.unwrap().unwrap();
    }
    first.await.unwrap().unwrap();
    assert_eq!(log.runs(), [1, 3, 3]);
}

#[tokio::test]
async fn urgent_requests_overtake_and_nothing_waits_for_ever() {
    let priority = PriorityOptions::new(3, 2).with_aging(Duration::from_secs(10));
    let options = options(Placement::Thread).with_max_batch_size(1).with_priority(priority);
    let session = MockSession::identity(4);
    let log = session.log();
    let clock = Arc::new(ManualClock::new());
    let shared = Arc::<ManualClock>::clone(&clock);
    let batcher = Arc::new(builder(&session, options).clock(shared).start().unwrap());
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_held(&log, 1).await;
    // Who was answered, in order.
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut answers = Vec::new();
    for (n, (priority, after)) in
        [(3, 0), (0, 4), (2, 4), (1, 4), (3, 4), (1, 8)].into_iter().enumerate()
    {
        clock.advance(Duration::from_secs(after));
        let mut context = RequestContext::default();
        context.priority = priority;
        let request = request(1, n as f32).with_context(context);
        answers.push(tokio::spawn({
            let (batcher, order) = (Arc::clone(&batcher), Arc::clone(&order));
            async move {
                batcher.predict(request).await.unwrap();
                order.lock().push(n);
            }
        }));
        until_queued(&batcher, n + 1).await;
    }
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in answers {
        answer.await.unwrap();
    }
    // Due at 12 (level 1), 14 (level 2, came at 4), 18, 20 (level 3, came at 0), 24 (level 1, the last
    // to come, and still behind that one), 36.
    assert_eq!(*order.lock(), [3, 1, 2, 0, 5, 4]);
}

#[tokio::test]
async fn preferred_sizes_and_costs_bound_a_batch() {
    let preferring = options(Placement::Thread).with_preferred_batch_sizes([4]);
    let cheap = options(Placement::Thread).with_max_batch_cost(3);
    for (options, expected) in [(preferring, [1, 4, 2]), (cheap, [1, 3, 3])] {
        let (batcher, log, first) = held(MockSession::identity(4), options).await;
        let others: Vec<_> = (0..6).map(|n| send(&batcher, request(1, n as f32))).collect();
        until_queued(&batcher, 6).await;
        log.open_gate();
        for answer in others {
            answer.await.unwrap().unwrap();
        }
        first.await.unwrap().unwrap();
        assert_eq!(log.runs(), expected);
    }
}

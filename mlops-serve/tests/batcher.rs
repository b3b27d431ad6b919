//! The batcher with mock sessions that can be held up, and with real ones.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(feature = "onnxruntime")]
mod fixture;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error,
    inference::{
        Affinity, InferenceRequest, InferenceResponse, InferenceSession, Predict, SessionFactory,
    },
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::{
        Build,
        clock::ManualClock,
        predict, sample_inputs,
        session::{MockFactory, MockLog, MockSession},
    },
};
use mlops_serve::{
    WarmUp,
    batch::{
        BatchObserver, BatchRecord, Batcher, BatcherBuilder, BatcherOptions, Batching, OnFull,
        Placement,
    },
};
use ndarray::{Array2, array};
use tokio::task::JoinHandle;

fn id() -> ModelId {
    ModelId::new("mock".parse().unwrap(), "1".parse().unwrap())
}

fn options(placement: Placement) -> BatcherOptions {
    BatcherOptions::default().with_max_batch_size(8).with_placement(placement)
}

fn builder(session: &MockSession, options: BatcherOptions) -> BatcherBuilder {
    Batcher::builder(id(), MockFactory::new(session.clone()), options).warm_up(WarmUp::None)
}

fn start(session: &MockSession, options: BatcherOptions) -> Arc<Batcher> {
    Arc::new(builder(session, options).start().unwrap())
}

/// Rows that hold `value`, four wide, as [`MockSession::identity`] takes them.
fn rows(count: usize, value: f32) -> NamedTensors {
    NamedTensors::single("x", Tensor::from_array(Array2::from_elem((count, 4), value)))
}

fn request(count: usize, value: f32) -> InferenceRequest {
    InferenceRequest::new(rows(count, value))
}

type Answer = JoinHandle<mlops_core::Result<InferenceResponse>>;

fn send(batcher: &Arc<Batcher>, request: InferenceRequest) -> Answer {
    let batcher = Arc::clone(batcher);
    tokio::spawn(async move { batcher.predict(request).await })
}

/// Waits until this many requests are queued.
async fn until_queued(batcher: &Batcher, count: usize) {
    while batcher.load().queued_requests != count {
        tokio::task::yield_now().await;
    }
}

/// Occupies a thread batcher's one session: a first request that is held at the gate.
async fn occupy(batcher: &Arc<Batcher>, log: &Arc<MockLog>) -> Answer {
    log.close_gate();
    let first = send(batcher, request(1, 0.0));
    until_held(log, 1).await;
    first
}

/// Waits until this many runs are held at the gate.
async fn until_held(log: &Arc<MockLog>, count: usize) {
    let log = Arc::clone(log);
    tokio::task::spawn_blocking(move || log.until_held(count)).await.unwrap();
}

fn value(response: &InferenceResponse) -> f32 {
    response.outputs.get("y").unwrap().clone().into_aligned().as_slice::<f32>().unwrap()[0]
}

// ---- conformance

struct Mock(Placement);

#[async_trait]
impl Build<predict::Subject> for Mock {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let session = MockSession::identity(4);
        let samples = (0..3).map(|n| rows(n + 1, n as f32)).collect();
        (
            predict::Subject { predict: start(&session, options(self.0)), samples, tolerance: 0.0 },
            (),
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_placements_conform() {
    predict::test_all(&Mock(Placement::Thread)).await.assert_passed();
    predict::test_all(&Mock(Placement::CallerRuns)).await.assert_passed();
}

#[tokio::test]
async fn both_placements_conform_on_one_thread() {
    predict::test_all(&Mock(Placement::Thread)).await.assert_passed();
    predict::test_all(&Mock(Placement::CallerRuns)).await.assert_passed();
}

#[cfg(feature = "onnxruntime")]
struct Real(&'static str, Placement);

#[cfg(feature = "onnxruntime")]
#[async_trait]
impl Build<predict::Subject> for Real {
    type Guard = ();

    async fn build(&self) -> (predict::Subject, ()) {
        let batcher = Batcher::start(id(), fixture::factory(self.0), options(self.1)).unwrap();
        let samples = (0..4)
            .map(|n| sample_inputs(&batcher.descriptor().signature, n + 1, n as u64).unwrap())
            .collect();
        (predict::Subject { predict: Arc::new(batcher), samples, tolerance: 1e-6 }, ())
    }
}

#[cfg(feature = "onnxruntime")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batchers_of_real_models_conform() {
    for model in ["row_sum.onnx", "two_inputs.onnx", "identity_bytes.onnx"] {
        for placement in [Placement::Thread, Placement::CallerRuns] {
            let report = predict::test_all(&Real(model, placement)).await;
            assert!(report.failed.is_empty(), "{model}, {placement:?}:\n{report}");
        }
    }
}

// ---- batches

#[tokio::test]
async fn a_free_session_takes_what_is_queued() {
    let session = MockSession::identity(4);
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    let first = occupy(&batcher, &log).await;
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
    let session = MockSession::identity(4);
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    let first = occupy(&batcher, &log).await;
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
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    let first = occupy(&batcher, &log).await;
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
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    let first = occupy(&batcher, &log).await;
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

// ---- delay

#[tokio::test]
async fn a_partial_batch_is_held_until_its_oldest_request_is_old_enough() {
    let session = MockSession::identity(4);
    let log = session.log();
    let clock = Arc::new(ManualClock::new());
    let options = options(Placement::Thread).with_max_queue_delay(Duration::from_millis(5));
    let shared = Arc::<ManualClock>::clone(&clock);
    let batcher = Arc::new(builder(&session, options).clock(shared).start().unwrap());

    let first = send(&batcher, request(1, 1.0));
    until_queued(&batcher, 1).await;
    let wait = |act: fn(&ManualClock) -> Instant| {
        let clock = Arc::clone(&clock);
        tokio::task::spawn_blocking(move || act(&clock))
    };
    wait(ManualClock::until_deadline).await.unwrap();
    clock.advance(Duration::from_millis(3));
    let second = send(&batcher, request(1, 2.0));
    until_queued(&batcher, 2).await;
    wait(ManualClock::until_deadline).await.unwrap();
    assert!(log.runs().is_empty());
    // The first is 5 ms old, the second 2: both go.
    clock.advance(Duration::from_millis(2));
    assert_eq!(value(&first.await.unwrap().unwrap()), 1.0);
    assert_eq!(value(&second.await.unwrap().unwrap()), 2.0);
    assert_eq!(log.runs(), [2]);

    // A full batch does not wait.
    let full: Vec<_> = (0..8).map(|_| send(&batcher, request(1, 0.0))).collect();
    for answer in full {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(log.runs(), [2, 8]);

    // Neither does a batcher that is shutting down.
    let last = send(&batcher, request(1, 3.0));
    until_queued(&batcher, 1).await;
    batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!(value(&last.await.unwrap().unwrap()), 3.0);
}

// ---- cancellation and deadlines

#[tokio::test]
async fn a_cancelled_request_costs_no_compute() {
    let session = MockSession::identity(4);
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    let first = occupy(&batcher, &log).await;
    let others: Vec<_> = (1..=4).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_queued(&batcher, 4).await;
    for cancelled in &others[1..] {
        cancelled.abort();
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    log.open_gate();
    first.await.unwrap().unwrap();
    let mut others = others.into_iter();
    assert_eq!(value(&others.next().unwrap().await.unwrap().unwrap()), 1.0);
    assert!(others.next().unwrap().await.unwrap_err().is_cancelled());
    assert_eq!(log.runs(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_fires_while_every_session_is_busy() {
    let session = MockSession::identity(4);
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_running(&batcher, 1).await;
    let deadline = Instant::now() + Duration::from_secs(3600);
    let error = batcher.predict(request(1, 1.0).with_deadline(deadline)).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    log.open_gate();
    first.await.unwrap().unwrap();
    until_queued(&batcher, 0).await;
    assert_eq!(log.runs(), [1], "the late request was not run");
}

async fn until_running(batcher: &Batcher, count: usize) {
    while batcher.load().running_requests != count {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_deadline_without_a_runtime_is_an_error_not_a_panic() {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };
    let batcher = start(&MockSession::identity(4), options(Placement::CallerRuns));
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut future = pin!(batcher.predict(request(1, 0.0).with_deadline(deadline)));
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else { panic!("{polled:?}") };
    assert!(matches!(error, Error::InvalidArgument { what: "deadline", .. }), "{error}");
}

// ---- bad input

#[tokio::test]
async fn bad_requests_reach_no_session_and_harm_no_neighbour() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let session = MockSession::identity(4);
        let log = session.log();
        let batcher = start(&session, options(placement));
        let too_wide = NamedTensors::single("x", Tensor::from_array(Array2::<f32>::zeros((1, 5))));
        for (inputs, code) in [
            (NamedTensors::new(), "invalid_tensor"),
            (too_wide, "invalid_tensor"),
            (rows(9, 0.0), "too_large"),
        ] {
            let good = send(&batcher, request(2, 7.0));
            let error = batcher.predict(InferenceRequest::new(inputs)).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert_eq!(value(&good.await.unwrap().unwrap()), 7.0);
        }
        assert_eq!(log.runs().iter().sum::<usize>(), 6);
    }
}

#[tokio::test]
async fn inputs_must_have_the_same_number_of_rows() {
    let spec = |name| TensorSpec::new(name, DataType::F32, [Dim::Unknown]);
    let signature = ModelSignature { inputs: vec![spec("a"), spec("b")], outputs: vec![spec("y")] };
    let session = MockSession::new(signature, |inputs| {
        Ok(NamedTensors::single("y", inputs.require("a")?.clone()))
    });
    let batcher = start(&session, options(Placement::Thread));
    let mut inputs = NamedTensors::single("a", Tensor::from_array(array![1.0_f32, 2.0]));
    inputs.insert("b", Tensor::from_array(array![1.0_f32])).unwrap();
    let error = batcher.predict(InferenceRequest::new(inputs)).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidTensor { tensor, .. } if &**tensor == "b"), "{error}");
}

/// Fails on a negative number anywhere in its batch, panics on infinity.
fn squeamish() -> MockSession {
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

#[tokio::test]
async fn one_poisonous_request_fails_alone() {
    for (poison, message) in [(-1.0, "negative"), (f32::INFINITY, "infinity")] {
        let session = squeamish();
        let log = session.log();
        let batcher = start(&session, options(Placement::Thread));
        let first = occupy(&batcher, &log).await;
        let values = [1.0, 2.0, poison, 4.0];
        let answers: Vec<_> = values.map(|value| send(&batcher, request(1, value))).into();
        until_queued(&batcher, 4).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for (expected, answer) in values.into_iter().zip(answers) {
            match answer.await.unwrap() {
                Ok(response) => assert_eq!(value(&response), expected),
                Err(error) => {
                    assert_eq!(expected, poison);
                    assert!(error.report().contains(message), "{}", error.report());
                }
            }
        }
        assert_eq!(log.runs(), [1, 4, 1, 1, 1, 1]);
    }
}

#[tokio::test]
async fn a_panic_is_answered_where_callers_run() {
    let batcher = start(&squeamish(), options(Placement::CallerRuns));
    let error = batcher.predict(request(1, f32::INFINITY)).await.unwrap_err();
    assert!(error.report().contains("infinity"), "{}", error.report());
    assert_eq!(value(&batcher.predict(request(1, 1.0)).await.unwrap()), 1.0);
}

/// Panics at the first batch, against its contract.
#[derive(Debug, Default)]
struct Clumsy(AtomicUsize);

impl BatchObserver for Clumsy {
    fn observe(&self, _: &BatchRecord<'_>) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "clumsy");
    }
}

#[tokio::test]
async fn a_panicking_observer_loses_one_batch_and_no_session() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let observer = Arc::new(Clumsy::default());
        let builder = builder(&MockSession::identity(4), options(placement));
        let batcher = builder.observer(observer).start().unwrap();
        let error = batcher.predict(request(1, 1.0)).await.unwrap_err();
        assert!(matches!(error, Error::Backend { backend: "batcher", .. }), "{error}");
        assert_eq!(value(&batcher.predict(request(1, 2.0)).await.unwrap()), 2.0);
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

#[test]
fn a_factory_that_panics_on_a_thread_is_an_error_not_a_hang() {
    #[derive(Debug)]
    struct Once(AtomicUsize);

    impl SessionFactory for Once {
        fn open(&self) -> mlops_core::Result<Box<dyn InferenceSession>> {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) == 0, "a second session");
            Ok(Box::new(MockSession::identity(4)))
        }
    }

    let options = options(Placement::Thread).with_instances(2);
    let error = Batcher::start(id(), Once(AtomicUsize::new(0)), options).unwrap_err();
    assert!(matches!(error, Error::Backend { backend: "session factory", .. }), "{error}");
}

#[tokio::test]
async fn outputs_with_other_rows_are_handed_to_nobody() {
    let identity = MockSession::identity(4);
    let session = MockSession::new(identity.signature().as_ref().clone(), |inputs| {
        let x = inputs.require("x")?;
        Ok(NamedTensors::single("y", x.rows(0..x.shape()[0].min(1))?))
    });
    let batcher = start(&session, options(Placement::Thread));
    assert_eq!(value(&batcher.predict(request(1, 1.0)).await.unwrap()), 1.0);
    let error = batcher.predict(request(2, 1.0)).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { what: "batching", .. }), "{error}");
    assert!(error.to_string().contains("`y`"), "{error}");
}

// ---- bounds

#[tokio::test]
async fn a_full_queue_rejects_at_once() {
    for (requests, bytes, what) in [(2, usize::MAX, "queue (requests)"), (9, 40, "queue (bytes)")] {
        let session = MockSession::identity(4);
        let log = session.log();
        let batcher =
            start(&session, options(Placement::Thread).with_queue_limits(requests, bytes));
        let first = occupy(&batcher, &log).await;
        let queued: Vec<_> = (0..2).map(|n| send(&batcher, request(1, n as f32))).collect();
        until_queued(&batcher, 2).await;
        let error = batcher.predict(request(1, 9.0)).await.unwrap_err();
        assert!(
            matches!(&error, Error::Overloaded { what: found, .. } if *found == what),
            "{error}"
        );
        log.open_gate();
        for answer in queued {
            answer.await.unwrap().unwrap();
        }
        first.await.unwrap().unwrap();
        let load = batcher.load();
        assert_eq!((load.queued_requests, load.queued_bytes), (0, 0));
    }
}

#[tokio::test]
async fn a_full_queue_is_waited_for_if_so_asked() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let options =
            options(placement).with_queue_limits(1, usize::MAX).with_on_full(OnFull::Wait);
        let batcher = start(&MockSession::identity(4), options);
        let answers: Vec<_> = (0..100).map(|n| send(&batcher, request(1, n as f32))).collect();
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(value(&answer.await.unwrap().unwrap()), n as f32);
        }
    }
}

#[tokio::test]
async fn who_waits_for_room_is_told_of_the_shutdown() {
    let session = MockSession::identity(4);
    let log = session.log();
    let options =
        options(Placement::Thread).with_queue_limits(1, usize::MAX).with_on_full(OnFull::Wait);
    let batcher = start(&session, options);
    let first = occupy(&batcher, &log).await;
    let second = send(&batcher, request(1, 1.0));
    until_queued(&batcher, 1).await;
    let third = send(&batcher, request(1, 2.0));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let closing = tokio::spawn({
        let batcher = Arc::clone(&batcher);
        async move { batcher.shutdown(Duration::from_secs(10)).await }
    });
    let error = third.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    log.open_gate();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    closing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_no_queue_could_hold_is_too_large() {
    let options = options(Placement::Thread).with_queue_limits(10, 100).with_on_full(OnFull::Wait);
    let batcher = start(&MockSession::identity(4), options);
    let error = batcher.predict(request(8, 0.0)).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { actual: 128, limit: 100, .. }), "{error}");
}

// ---- start and shutdown

#[tokio::test]
async fn shutdown_answers_what_was_accepted() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let session = MockSession::identity(4);
        let batcher = start(&session, options(placement).with_instances(2));
        let answers: Vec<_> = (0..50).map(|n| send(&batcher, request(1, n as f32))).collect();
        tokio::task::yield_now().await;
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
        for (n, answer) in answers.into_iter().enumerate() {
            match answer.await.unwrap() {
                Ok(response) => assert_eq!(value(&response), n as f32),
                Err(error) => assert!(matches!(error, Error::Closed { .. }), "{error}"),
            }
        }
        let error = batcher.predict(request(1, 0.0)).await.unwrap_err();
        assert!(matches!(error, Error::Closed { what: "batcher" }), "{error}");
        batcher.shutdown(Duration::ZERO).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_gives_up_what_is_queued_after_its_grace() {
    let session = MockSession::identity(4);
    let log = session.log();
    let batcher = start(&session, options(Placement::Thread));
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_running(&batcher, 1).await;
    let queued = send(&batcher, request(1, 1.0));
    until_queued(&batcher, 1).await;
    let closing = tokio::spawn({
        let batcher = Arc::clone(&batcher);
        async move { batcher.shutdown(Duration::from_secs(30)).await }
    });
    let error = queued.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    log.open_gate();
    first.await.unwrap().unwrap();
    let error = closing.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
}

#[test]
fn dropping_a_batcher_ends_its_threads() {
    let session = MockSession::identity(4);
    let log = Arc::downgrade(&session.log());
    let batcher = start(&session, options(Placement::Thread).with_instances(3));
    drop((batcher, session));
    // Each thread's session holds the log until the thread is gone.
    let patience = Instant::now() + Duration::from_secs(10);
    while log.strong_count() > 0 {
        assert!(Instant::now() < patience, "a thread lives on");
        thread::yield_now();
    }
}

#[test]
fn what_keeps_a_session_from_opening_is_returned() {
    for placement in [Placement::Thread, Placement::CallerRuns, Placement::Auto] {
        let factory = MockFactory::failing(Error::not_found("model file", "nowhere.onnx"));
        let error = Batcher::start(id(), factory, options(placement)).unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
}

#[test]
fn a_warm_up_sample_that_fails_keeps_it_from_starting() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let build = || Batcher::builder(id(), MockFactory::new(squeamish()), options(placement));
        let bad = WarmUp::Samples([rows(1, -1.0)].into());
        assert!(build().warm_up(bad).start().is_err());
        let good = WarmUp::Samples([rows(1, 1.0), rows(8, 1.0)].into());
        build().warm_up(good).start().unwrap();
    }
}

#[test]
fn zeros_warm_up_one_row_and_a_full_batch() {
    let session = MockSession::identity(4);
    let log = session.log();
    let factory = MockFactory::new(session);
    let _batcher = Batcher::start(id(), factory, options(Placement::Thread)).unwrap();
    assert_eq!(log.runs(), [1, 8]);
}

#[test]
fn options_that_contradict_are_refused() {
    let start = |options| {
        Batcher::start(id(), MockFactory::new(MockSession::identity(4)), options).unwrap_err()
    };
    let delay = Duration::from_millis(1);
    for options in [
        options(Placement::Thread).with_max_batch_size(0),
        options(Placement::Thread).with_instances(0),
        options(Placement::Thread).with_queue_limits(0, 100),
        options(Placement::CallerRuns).with_max_queue_delay(delay),
    ] {
        assert!(matches!(start(options), Error::InvalidArgument { .. }));
    }
    let bound = MockSession::identity(4).with_affinity(Affinity::OneThread);
    let error =
        Batcher::start(id(), MockFactory::new(bound.clone()), options(Placement::CallerRuns));
    assert!(matches!(error.unwrap_err(), Error::InvalidArgument { what: "placement", .. }));
    let batcher = Batcher::start(id(), MockFactory::new(bound), options(Placement::Auto)).unwrap();
    assert_eq!(batcher.placement(), Placement::Thread);
}

#[test]
fn auto_lets_callers_run_what_is_fast() {
    let auto = options(Placement::Auto);
    assert_eq!(start(&MockSession::identity(4), auto.clone()).placement(), Placement::CallerRuns);
    let held = auto.with_max_queue_delay(Duration::from_millis(1));
    assert_eq!(start(&MockSession::identity(4), held).placement(), Placement::Thread);
}

// ---- callers that come and go

/// Many callers, some of which go away at a random point, on several threads: everyone who stays
/// gets the right answer, and the session is never lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_go_away_harm_nobody() {
    for (placement, instances) in
        [(Placement::CallerRuns, 1), (Placement::CallerRuns, 2), (Placement::Thread, 2)]
    {
        let session = MockSession::identity(4);
        let batcher = start(&session, options(placement).with_instances(instances));
        let answered = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..16)
            .map(|task: usize| {
                let (batcher, answered) = (Arc::clone(&batcher), Arc::clone(&answered));
                tokio::spawn(async move {
                    for n in 0..500 {
                        let expected = (task * 1000 + n) as f32;
                        let answer = batcher.predict(request(1 + n % 3, expected));
                        if (task + n).is_multiple_of(3) {
                            // Gone after a few polls.
                            let mut answer = answer;
                            let mut polls = n % 5;
                            std::future::poll_fn(|context| {
                                if polls == 0 || answer.as_mut().poll(context).is_ready() {
                                    return std::task::Poll::Ready(());
                                }
                                polls -= 1;
                                context.waker().wake_by_ref();
                                std::task::Poll::Pending
                            })
                            .await;
                        } else {
                            assert_eq!(value(&answer.await.unwrap()), expected);
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(answered.load(Ordering::Relaxed) > 5000);
        assert_eq!(value(&batcher.predict(request(1, 5.0)).await.unwrap()), 5.0);
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
        let load = batcher.load();
        assert_eq!((load.queued_requests, load.queued_bytes, load.running_requests), (0, 0, 0));
    }
}

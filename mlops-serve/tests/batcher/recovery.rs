//! Sessions that break, and batches that do not fit into memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mlops_core::{
    Error,
    inference::{InferenceSession, Predict, SessionFactory},
    tensor::NamedTensors,
    testing::{
        clock::ManualClock,
        session::{MockFactory, MockSession},
    },
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
};

use crate::support::{held, id, options, request, rows, send, until_held, until_queued, value};

/// Opens sessions that break for good at an infinite number: they panic at it and fail ever after.
#[derive(Debug, Default)]
struct Fragile {
    opened: AtomicUsize,
    /// Whether opening a session fails.
    broken: AtomicBool,
}

#[derive(Debug, Clone)]
struct Factory(Arc<Fragile>);

impl SessionFactory for Factory {
    fn open(&self) -> mlops_core::Result<Box<dyn InferenceSession>> {
        if self.0.broken.load(Ordering::SeqCst) {
            return Err(Error::not_found("model file", "gone.onnx"));
        }
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        let (identity, dead) = (MockSession::identity(4), AtomicBool::new(false));
        let signature = identity.signature().as_ref().clone();
        Ok(Box::new(MockSession::new(signature, move |inputs| {
            let x = inputs.require("x")?.clone();
            if dead.load(Ordering::SeqCst) {
                return Err(Error::backend("fragile", "dead"));
            }
            if x.as_slice::<f32>()?.contains(&f32::INFINITY) {
                dead.store(true, Ordering::SeqCst);
                panic!("infinity");
            }
            if x.as_slice::<f32>()?.contains(&f32::NEG_INFINITY) {
                dead.store(true, Ordering::SeqCst);
                return Err(Error::backend("fragile", "dying"));
            }
            if x.as_slice::<f32>()?.contains(&-1.0) {
                return Err(Error::backend("fragile", "a bad request"));
            }
            Ok(NamedTensors::single("y", x))
        })))
    }
}

fn fragile(options: BatcherOptions) -> (Arc<Batcher>, Arc<Fragile>, Arc<ManualClock>) {
    let (fragile, clock) = (Arc::<Fragile>::default(), Arc::new(ManualClock::new()));
    let batcher = Batcher::builder(id(), Factory(Arc::clone(&fragile)), options)
        .clock(Arc::<ManualClock>::clone(&clock))
        .warm_up(WarmUp::Samples([rows(1, 1.0)].into()))
        .start()
        .unwrap();
    (Arc::new(batcher), fragile, clock)
}

/// Asks until the answer is not that the model is unavailable.
async fn ask_until_served(batcher: &Batcher, number: f32) -> f32 {
    loop {
        match batcher.predict(request(1, number)).await {
            Ok(response) => return value(&response),
            Err(Error::Unavailable { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{}", error.report()),
        }
    }
}

#[tokio::test]
async fn a_session_that_panicked_is_opened_anew() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let (batcher, fragile, _clock) = fragile(options(placement));
        let before = fragile.opened.load(Ordering::SeqCst);
        let error = batcher.predict(request(1, f32::INFINITY)).await.unwrap_err();
        assert!(error.report().contains("infinity"), "{}", error.report());
        assert_eq!(value(&batcher.predict(request(1, 2.0)).await.unwrap()), 2.0);
        assert_eq!(fragile.opened.load(Ordering::SeqCst), before + 1);
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_keeps_failing_is_opened_anew_and_bad_requests_do_not_make_one() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let (batcher, fragile, _clock) = fragile(options(placement));
        let before = fragile.opened.load(Ordering::SeqCst);
        for _ in 0..50 {
            batcher.predict(request(1, -1.0)).await.unwrap_err();
        }
        assert_eq!(fragile.opened.load(Ordering::SeqCst), before, "bad requests broke a session");
        batcher.predict(request(1, f32::NEG_INFINITY)).await.unwrap_err();
        let mut failed = 0;
        while batcher.predict(request(1, 1.0)).await.is_err() {
            failed += 1;
        }
        assert!(failed <= 5, "{failed} good requests failed before anybody looked");
        assert_eq!(fragile.opened.load(Ordering::SeqCst), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_session_requests_are_refused_until_there_is_one() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let (batcher, fragile, clock) = fragile(options(placement));
        fragile.broken.store(true, Ordering::SeqCst);
        batcher.predict(request(1, f32::INFINITY)).await.unwrap_err();
        // Whether it was queued before that was known or came after: it is told.
        let error = batcher.predict(request(1, 1.0)).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("gone.onnx"), "{error}");
        assert_eq!(batcher.load().queued_requests, 0);
        fragile.broken.store(false, Ordering::SeqCst);
        let turn = {
            let clock = Arc::clone(&clock);
            move || {
                clock.until_deadline();
                clock.advance(Duration::from_secs(1));
            }
        };
        tokio::task::spawn_blocking(turn).await.unwrap();
        assert_eq!(ask_until_served(&batcher, 3.0).await, 3.0);
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_session_that_cannot_be_opened() {
    for placement in [Placement::Thread, Placement::CallerRuns] {
        let (batcher, fragile, _clock) = fragile(options(placement));
        fragile.broken.store(true, Ordering::SeqCst);
        batcher.predict(request(1, f32::INFINITY)).await.unwrap_err();
        batcher.predict(request(1, 1.0)).await.unwrap_err();
        batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

/// Runs out of memory at more than two rows.
fn cramped() -> MockSession {
    let identity = MockSession::identity(4);
    MockSession::new(identity.signature().as_ref().clone(), |inputs| {
        let x = inputs.require("x")?.clone();
        if x.row_count() > Some(2) {
            return Err(Error::OutOfMemory { what: "cramped" });
        }
        Ok(NamedTensors::single("y", x))
    })
}

#[tokio::test]
async fn batches_shrink_when_memory_runs_out() {
    let session = cramped();
    let log = session.log();
    let factory = MockFactory::new(session);
    let builder = Batcher::builder(id(), factory, options(Placement::Thread));
    let batcher = Arc::new(builder.warm_up(WarmUp::None).start().unwrap());
    for round in 0..2 {
        log.close_gate();
        let first = send(&batcher, request(1, 0.0));
        until_held(&log, 1).await;
        let answers: Vec<_> = (0..8).map(|n| send(&batcher, request(1, n as f32))).collect();
        until_queued(&batcher, 8).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(value(&answer.await.unwrap().unwrap()), n as f32);
        }
        let runs = log.runs();
        if round == 0 {
            assert_eq!(runs, [1, 8, 4, 2, 2, 4, 2, 2]);
        } else {
            // It is remembered.
            assert_eq!(runs[8..], [1, 2, 2, 2, 2]);
        }
    }
    // A single request that does not fit is told so.
    let error = batcher.predict(request(3, 0.0)).await.unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
}

/// Runs out of memory at a negative number.
fn choosy() -> MockSession {
    let identity = MockSession::identity(4);
    MockSession::new(identity.signature().as_ref().clone(), |inputs| {
        let x = inputs.require("x")?.clone();
        if x.as_slice::<f32>()?.iter().any(|value| *value < 0.0) {
            return Err(Error::OutOfMemory { what: "choosy" });
        }
        Ok(NamedTensors::single("y", x))
    })
}

#[tokio::test]
async fn one_request_that_never_fits_makes_nobody_elses_batch_smaller() {
    for at in [0, 13, 31] {
        let options = options(Placement::Thread).with_max_batch_size(32);
        let (batcher, log, first) = held(choosy(), options).await;
        let value_of = |n: usize| if n == at { -1.0 } else { n as f32 };
        let answers: Vec<_> = (0..32).map(|n| send(&batcher, request(1, value_of(n)))).collect();
        until_queued(&batcher, 32).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for (n, answer) in answers.into_iter().enumerate() {
            match answer.await.unwrap() {
                Ok(response) => assert_eq!(value(&response), value_of(n)),
                Err(error) => {
                    assert!(n == at && matches!(error, Error::OutOfMemory { .. }), "{n}: {error}");
                }
            }
        }
        // Two runs for each of five halvings.
        assert_eq!(log.runs().len(), 1 + 1 + 10);
        // By itself it says nothing of batches either.
        batcher.predict(request(1, -1.0)).await.unwrap_err();
        log.close_gate();
        let first = send(&batcher, request(1, 0.0));
        until_held(&log, 1).await;
        let answers: Vec<_> = (0..32).map(|n| send(&batcher, request(1, n as f32))).collect();
        until_queued(&batcher, 32).await;
        log.open_gate();
        first.await.unwrap().unwrap();
        for answer in answers {
            answer.await.unwrap().unwrap();
        }
        assert_eq!(log.runs().last(), Some(&32));
    }
}

#[tokio::test]
async fn batches_shrink_when_nothing_fits_any_more() {
    let (batcher, log, first) = held(choosy(), options(Placement::Thread)).await;
    let answers: Vec<_> = (0..4).map(|_| send(&batcher, request(1, -1.0))).collect();
    until_queued(&batcher, 4).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in answers {
        answer.await.unwrap().unwrap_err();
    }
    let before = log.runs().len();
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_held(&log, 1).await;
    let answers: Vec<_> = (0..4).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_queued(&batcher, 4).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(log.runs()[before..], [1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn a_part_of_a_batch_does_not_teach_how_long_all_of_it_takes() {
    let clock = Arc::new(ManualClock::new());
    let turned = Arc::clone(&clock);
    let identity = MockSession::identity(4);
    let session = MockSession::new(identity.signature().as_ref().clone(), move |inputs| {
        turned.advance(Duration::from_millis(10));
        let x = inputs.require("x")?.clone();
        if x.row_count() > Some(4) {
            return Err(Error::backend("mock", "too many"));
        }
        Ok(NamedTensors::single("y", x))
    });
    let log = session.log();
    let options = options(Placement::Thread).with_max_queued_time(Duration::from_millis(70));
    let batcher = Batcher::builder(id(), MockFactory::new(session), options)
        .clock(Arc::<ManualClock>::clone(&clock))
        .warm_up(WarmUp::None)
        .start()
        .unwrap();
    let batcher = Arc::new(batcher);
    // One row takes ten milliseconds, which is all that is known.
    batcher.predict(request(1, 0.0)).await.unwrap();
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_held(&log, 1).await;
    let eight: Vec<_> = (0..8).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_queued(&batcher, 8).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in eight {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(log.runs(), [1, 1, 8, 4, 4]);

    // So eight in front of a request are expected to take eighty, which is more than it may wait.
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_held(&log, 1).await;
    let eight: Vec<_> = (0..8).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_queued(&batcher, 8).await;
    let error = batcher.predict(request(1, 0.0)).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { limit: 70, .. }), "{error}");
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in eight {
        answer.await.unwrap().unwrap();
    }
}

//! Callers that go away, and answers that come too late.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mlops_core::{Error, inference::Predict, testing::session::MockSession};
#[cfg(feature = "onnxruntime")]
use mlops_core::{
    inference::InferenceRequest,
    tensor::{NamedTensors, Tensor},
};
use mlops_serve::batch::Placement;
#[cfg(feature = "onnxruntime")]
use mlops_serve::{WarmUp, batch::Batcher};

#[cfg(feature = "onnxruntime")]
use crate::support::id;
use crate::support::{
    held, options, request, send, start, until_held, until_queued, until_running, value,
};

#[tokio::test]
async fn a_cancelled_request_costs_no_compute() {
    let (batcher, log, first) = held(MockSession::identity(4), options(Placement::Thread)).await;
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
    let options = options(Placement::Thread).with_instances(3).with_max_batch_size(1);
    let batcher = start(&session, options);
    log.close_gate();
    let busy: Vec<_> = (0..3).map(|_| send(&batcher, request(1, 0.0))).collect();
    until_running(&batcher, 3).await;
    let begun = tokio::time::Instant::now();
    let deadline = Instant::now() + Duration::from_secs(3600);
    let error = batcher.predict(request(1, 1.0).with_deadline(deadline)).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 3600);
    log.open_gate();
    for first in busy {
        first.await.unwrap().unwrap();
    }
    until_queued(&batcher, 0).await;
    assert_eq!(log.runs(), [1, 1, 1], "the late request was not run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_fires_while_another_caller_runs() {
    let (batcher, log, first) =
        held(MockSession::identity(4), options(Placement::CallerRuns)).await;
    // The runtime's other thread may sleep without looking at the timers, which the one that is held
    // did before: some work makes it take over.
    tokio::spawn(async {}).await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(50);
    let error = batcher.predict(request(1, 1.0).with_deadline(deadline)).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert!(Instant::now() >= deadline);
    log.open_gate();
    first.await.unwrap().unwrap();
    assert_eq!(log.runs(), [1]);
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

/// A run that would take years stops when its caller goes away.
#[cfg(feature = "onnxruntime")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_nobody_waits_for_is_stopped() {
    let inputs = |n: i64| {
        let mut inputs = NamedTensors::single("n", Tensor::from_array(ndarray::arr0(n)));
        inputs.insert("x", Tensor::from_array(ndarray::array![0.0_f32])).unwrap();
        InferenceRequest::new(inputs)
    };
    let factory = crate::fixture::factory("loop.onnx");
    let builder = Batcher::builder(id(), factory, options(Placement::Thread));
    let batcher = Arc::new(builder.warm_up(WarmUp::None).start().unwrap());
    for _ in 0..10 {
        let years = send(&batcher, inputs(i64::MAX));
        until_running(&batcher, 1).await;
        years.abort();
        let response = batcher.predict(inputs(1000)).await.unwrap();
        assert_eq!(response.outputs.require("y").unwrap().as_slice::<f32>().unwrap(), [1000.0]);
    }
}

#[tokio::test]
async fn a_run_goes_on_for_the_callers_that_stay() {
    let session = MockSession::identity(4);
    let log = session.log();
    log.close_gate();
    // It runs when it is full: all three, in one batch.
    let options = options(Placement::Thread)
        .with_max_batch_size(3)
        .with_max_queue_delay(Duration::from_secs(3600));
    let batcher = start(&session, options);
    let others: Vec<_> = (0..3).map(|n| send(&batcher, request(1, n as f32))).collect();
    until_held(&log, 1).await;
    others[0].abort();
    others[2].abort();
    log.open_gate();
    for (n, answer) in others.into_iter().enumerate() {
        match answer.await {
            Ok(response) => assert_eq!((n, value(&response.unwrap())), (1, 1.0)),
            Err(error) => assert!(error.is_cancelled()),
        }
    }
}

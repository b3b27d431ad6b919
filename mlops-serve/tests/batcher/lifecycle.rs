//! Starting, warming up, shutting down.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use mlops_core::{
    Error,
    inference::{Affinity, Predict},
    testing::session::{MockFactory, MockLog, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, Placement, PriorityOptions},
};
use tokio::task::JoinHandle;

use crate::support::{
    Answer, held, id, options, request, rows, send, squeamish, start, until_queued, until_running,
    value,
};

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

/// A thousand requests in the queue of a batcher whose only session is busy.
async fn a_thousand_queued() -> (Arc<Batcher>, Arc<MockLog>, Vec<Answer>) {
    let (batcher, log, first) = held(MockSession::identity(4), options(Placement::Thread)).await;
    let mut answers = vec![first];
    answers.extend((1..=1000).map(|n| send(&batcher, request(1, n as f32))));
    until_queued(&batcher, 1000).await;
    (batcher, log, answers)
}

fn shut_down(batcher: &Arc<Batcher>, grace: Duration) -> JoinHandle<mlops_core::Result<()>> {
    let batcher = Arc::clone(batcher);
    tokio::spawn(async move { batcher.shutdown(grace).await })
}

#[tokio::test]
async fn a_thousand_that_are_queued_are_answered_before_the_end() {
    let (batcher, log, answers) = a_thousand_queued().await;
    let closing = shut_down(&batcher, Duration::from_secs(60));
    log.open_gate();
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(value(&answer.await.unwrap().unwrap()), n as f32);
    }
    closing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thousand_that_are_queued_are_told_when_there_is_no_time() {
    let (batcher, log, mut answers) = a_thousand_queued().await;
    let closing = shut_down(&batcher, Duration::ZERO);
    for answer in answers.drain(1..) {
        let error = answer.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error}");
    }
    log.open_gate();
    let error = closing.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert_eq!(log.runs(), [1]);
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
    // Twice each: the first to warm up, the second to learn how long it takes.
    assert_eq!(log.runs(), [1, 1, 8, 8]);
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
        options(Placement::Thread).with_preferred_batch_sizes([0]),
        options(Placement::Thread).with_preferred_batch_sizes([4, 9]),
        options(Placement::Thread).with_max_batch_cost(0),
        options(Placement::Thread).with_priority(PriorityOptions::new(0, 1)),
        options(Placement::Thread).with_priority(PriorityOptions::new(2, 3)),
        options(Placement::Thread)
            .with_priority(PriorityOptions::new(2, 1).with_aging(Duration::MAX)),
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

#[tokio::test]
async fn a_shutdown_that_is_given_up_can_be_waited_for_again() {
    let session = MockSession::identity(4);
    let log = Arc::downgrade(&session.log());
    let batcher = start(&session, options(Placement::Thread).with_instances(3));
    drop(session);
    for polls in 0..20 {
        let mut shutdown = Box::pin(batcher.shutdown(Duration::from_secs(10)));
        for _ in 0..polls {
            let polled = std::future::poll_fn(|context| {
                std::task::Poll::Ready(shutdown.as_mut().poll(context).is_ready())
            });
            if polled.await {
                break;
            }
        }
    }
    batcher.shutdown(Duration::from_secs(10)).await.unwrap();
    // Every thread was joined: nothing holds the log but the warm-up that the batcher keeps.
    drop(batcher);
    assert_eq!(log.strong_count(), 0);
}

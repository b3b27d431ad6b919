//! Full queues.

use std::{sync::Arc, time::Duration};

use mlops_core::{Error, inference::Predict, testing::session::MockSession};
use mlops_serve::batch::{OnFull, Placement};
use tokio::task::JoinHandle;

use crate::support::{held, options, request, send, start, until_queued, value};

#[tokio::test]
async fn a_full_queue_rejects_at_once() {
    for (requests, bytes, what) in [(2, usize::MAX, "queue (requests)"), (9, 40, "queue (bytes)")] {
        let (batcher, log, first) = held(
            MockSession::identity(4),
            options(Placement::Thread).with_queue_limits(requests, bytes),
        )
        .await;
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
    let options =
        options(Placement::Thread).with_queue_limits(1, usize::MAX).with_on_full(OnFull::Wait);
    let (batcher, log, first) = held(MockSession::identity(4), options).await;
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

#[tokio::test]
async fn callers_that_go_away_leave_their_room_at_once() {
    let options = options(Placement::Thread).with_queue_limits(2, 1000);
    let (batcher, log, first) = held(MockSession::identity(4), options).await;
    for _ in 0..10 {
        let queued: Vec<_> = (0..2).map(|n| send(&batcher, request(1, n as f32))).collect();
        until_queued(&batcher, 2).await;
        queued.iter().for_each(JoinHandle::abort);
        until_queued(&batcher, 0).await;
        assert_eq!(batcher.load().queued_bytes, 0);
    }
    log.open_gate();
    first.await.unwrap().unwrap();
    assert_eq!(log.runs(), [1]);
}

#[tokio::test]
async fn a_request_that_costs_more_than_a_batch_is_too_large() {
    let options = options(Placement::Thread).with_max_batch_cost(3);
    let batcher = start(&MockSession::identity(4), options);
    let error = batcher.predict(request(4, 0.0)).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { actual: 4, limit: 3, .. }), "{error}");
}

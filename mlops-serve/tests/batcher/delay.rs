//! Partial batches that are held.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::testing::{clock::ManualClock, session::MockSession};
use mlops_serve::batch::Placement;

use crate::support::{builder, options, request, send, until_queued, value};

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

//! Partial batches that are held.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    inference::Predict,
    testing::{clock::ManualClock, session::MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Placement, Waiting},
};

use crate::support::{
    builder, options, request, rows, send, slow, until_held, until_queued, value,
};

const MS: Duration = Duration::from_millis(1);

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

/// Batches take ten milliseconds whatever their size; requests have come a millisecond apart.
#[tokio::test]
async fn learned_waiting_waits_where_it_pays() {
    let clock = Arc::new(ManualClock::new());
    let session = slow(Arc::clone(&clock), 10 * MS);
    let log = session.log();
    let options =
        options(Placement::Thread).with_max_queue_delay(100 * MS).with_waiting(Waiting::Learned);
    let shared = Arc::<ManualClock>::clone(&clock);
    let builder = builder(&session, options).warm_up(WarmUp::Samples([rows(8, 0.0)].into()));
    let batcher = Arc::new(builder.clock(shared).start().unwrap());
    let runs = || log.runs().split_off(2);

    // Nobody knows how often requests come: the first one does not wait.
    batcher.predict(request(1, 0.0)).await.unwrap();
    assert_eq!(runs(), [1]);
    // Ten milliseconds after it, the second: the next is expected in ten, which is not worth waiting for.
    batcher.predict(request(1, 0.0)).await.unwrap();
    assert_eq!(runs(), [1, 1]);
    // Many that come at once make the expected gap small.
    log.close_gate();
    let first = send(&batcher, request(1, 0.0));
    until_held(&log, 1).await;
    let burst: Vec<_> = (0..100).map(|_| send(&batcher, request(1, 0.0))).collect();
    until_queued(&batcher, 100).await;
    log.open_gate();
    first.await.unwrap().unwrap();
    for answer in burst {
        answer.await.unwrap().unwrap();
    }
    // Twelve full batches, and a last one of four that was worth holding for a moment; it goes when the
    // next does not come.
    let last = runs().split_off(3);
    assert_eq!(last[..12], [8; 12]);
    assert_eq!(last.iter().sum::<usize>(), 100);
}

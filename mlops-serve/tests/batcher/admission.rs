//! Requests that are refused at once, because they would be answered too late.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    Error,
    clock::Clock,
    inference::Predict,
    testing::{clock::ManualClock, session::MockFactory},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, OnFull, Placement},
};

use crate::support::{id, options, request, rows, send, slow, until_held, until_queued};

const MS: Duration = Duration::from_millis(1);

/// A batcher whose batches of eight take ten milliseconds by its clock, held up in a first one.
async fn busy(options: BatcherOptions) -> (Arc<Batcher>, Arc<ManualClock>, impl Drop) {
    let clock = Arc::new(ManualClock::new());
    let session = slow(Arc::clone(&clock), 10 * MS);
    let log = session.log();
    let batcher = Batcher::builder(id(), MockFactory::new(session), options)
        .clock(Arc::<ManualClock>::clone(&clock))
        .warm_up(WarmUp::Samples([rows(8, 0.0)].into()))
        .start()
        .unwrap();
    let batcher = Arc::new(batcher);
    log.close_gate();
    let first = send(&batcher, request(8, 0.0));
    until_held(&log, 1).await;
    (batcher, clock, OpenAtEnd(log, first))
}

/// Lets what is held go on when the test is over.
struct OpenAtEnd(Arc<mlops_core::testing::session::MockLog>, crate::support::Answer);

impl Drop for OpenAtEnd {
    fn drop(&mut self) {
        self.0.open_gate();
        self.1.abort();
    }
}

#[tokio::test]
async fn a_deadline_that_cannot_be_met_is_refused_at_once() {
    let (batcher, clock, _open) = busy(options(Placement::Thread)).await;
    let ask = |left: Duration| {
        let request = request(8, 1.0).with_deadline(clock.monotonic() + left);
        let batcher = Arc::clone(&batcher);
        async move { batcher.predict(request).await }
    };
    // The run in front takes ten, its own ten more.
    let error = ask(15 * MS).await.unwrap_err();
    let Error::Overloaded { retry_after: Some(retry_after), limit, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((retry_after, limit), (5 * MS, 15));
    assert_eq!(batcher.load().queued_requests, 0);
    // Behind one that waits it takes ten more.
    let waiting = send(&batcher, request(8, 1.0));
    until_queued(&batcher, 1).await;
    let error = ask(25 * MS).await.unwrap_err();
    let Error::Overloaded { retry_after: Some(retry_after), limit: 25, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(retry_after, 5 * MS);
    waiting.abort();
}

#[tokio::test]
async fn work_beyond_its_limit_is_refused() {
    let options = options(Placement::Thread).with_max_queued_time(25 * MS);
    let (batcher, _clock, _open) = busy(options).await;
    let mut queued = Vec::new();
    for n in 0..2 {
        queued.push(send(&batcher, request(8, 1.0)));
        until_queued(&batcher, n + 1).await;
    }
    // Thirty milliseconds in front of it.
    let error = batcher.predict(request(8, 1.0)).await.unwrap_err();
    let Error::Overloaded { what, limit: 25, retry_after: Some(retry_after) } = error else {
        panic!("{error}");
    };
    assert_eq!((what, retry_after), ("queue (milliseconds of work)", 5 * MS));
    queued.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn who_would_wait_for_room_does_not_wait_for_a_deadline_to_pass() {
    let options = options(Placement::Thread).with_on_full(OnFull::Wait);
    let (batcher, clock, _open) = busy(options).await;
    let request = request(8, 1.0).with_deadline(clock.monotonic() + 15 * MS);
    let error = batcher.predict(request).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { .. }), "{error}");
}

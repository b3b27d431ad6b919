//! Replicas that fail.

use std::{sync::Arc, task::Poll, time::Duration};

use mlops_core::{Error, clock::Clock, inference::Predict, testing::clock::ManualClock};
use mlops_serve::balance::{Balance, BalanceOptions, Retry};

use crate::{Replica, dynamic, request};

const MS: Duration = Duration::from_millis(1);

fn unavailable() -> Error {
    Error::unavailable("model", "no route")
}

fn overloaded() -> Error {
    Error::Overloaded { what: "queue (requests)", limit: 1, retry_after: None }
}

fn options() -> BalanceOptions {
    BalanceOptions::default().with_aside(100 * MS, 1000 * MS)
}

fn balance(
    count: usize,
    options: &BalanceOptions,
) -> (Balance, Vec<Arc<Replica>>, Arc<ManualClock>) {
    let replicas: Vec<_> = (0..count).map(|_| Replica::new()).collect();
    let clock = Arc::new(ManualClock::new());
    let shared = Arc::<ManualClock>::clone(&clock);
    let balance = Balance::with_clock(dynamic(&replicas), options, shared).unwrap();
    (balance, replicas, clock)
}

#[tokio::test]
async fn a_dead_replica_costs_no_failed_request() {
    for error in [unavailable(), Error::Closed { what: "batcher" }] {
        let (balance, replicas, clock) = balance(3, &options());
        replicas[0].fail(Some(error));
        for _ in 0..2000 {
            balance.predict(request()).await.unwrap();
            clock.advance(MS);
        }
        // In two seconds: at 0, 100, 300, 700 and 1500 ms, or a little later.
        assert!((3..=5).contains(&replicas[0].asked()), "{}", replicas[0].asked());
        // It comes back, and gets its share again.
        replicas[0].fail(None);
        clock.advance(1000 * MS);
        let before = replicas[0].asked();
        for _ in 0..300 {
            balance.predict(request()).await.unwrap();
            clock.advance(MS);
        }
        assert!(replicas[0].asked() - before > 50, "{}", replicas[0].asked() - before);
    }
}

#[tokio::test]
async fn a_full_replica_is_passed_over_and_not_put_aside() {
    let (balance, replicas, _clock) = balance(2, &options());
    replicas[0].fail(Some(overloaded()));
    for _ in 0..50 {
        balance.predict(request()).await.unwrap();
    }
    // All full: the client is told so, not that there are none.
    replicas[1].fail(Some(overloaded()));
    for _ in 0..50 {
        let error = balance.predict(request()).await.unwrap_err();
        assert!(matches!(error, Error::Overloaded { .. }), "{error}");
    }
    replicas[0].fail(None);
    replicas[1].fail(None);
    balance.predict(request()).await.unwrap();
}

#[tokio::test]
async fn all_out_is_said_at_once_and_until_one_is_tried() {
    let (balance, replicas, clock) = balance(2, &options());
    replicas.iter().for_each(|replica| replica.fail(Some(unavailable())));
    let error = balance.predict(request()).await.unwrap_err();
    assert_eq!(error.to_string(), "model is unavailable: no route", "the last error");
    let asked = || replicas.iter().map(|replica| replica.asked()).sum::<usize>();
    assert_eq!(asked(), 2);
    clock.advance(60 * MS);
    let error = balance.predict(request()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "model is unavailable: all 2 replicas of `m/1` have failed; one is tried in 40ms"
    );
    assert_eq!(asked(), 2);
    replicas.iter().for_each(|replica| replica.fail(None));
    clock.advance(40 * MS);
    balance.predict(request()).await.unwrap();
}

#[tokio::test]
async fn what_may_be_retried_is_the_hosts_choice() {
    let failed = || Error::backend("engine", "it broke");
    let invalid = || Error::invalid("request", "no");
    let late = || Error::DeadlineExceeded { elapsed: MS };
    // The policy, the first replica's error, whether the request is answered by the other.
    for (retry, error, answered) in [
        (Retry::Never, unavailable(), false),
        (Retry::Never, overloaded(), false),
        (Retry::NotExecuted, unavailable(), true),
        (Retry::NotExecuted, overloaded(), true),
        (Retry::NotExecuted, Error::Closed { what: "batcher" }, true),
        (Retry::NotExecuted, failed(), false),
        (Retry::AnyFailure, unavailable(), true),
        (Retry::AnyFailure, failed(), true),
        (Retry::AnyFailure, Error::OutOfMemory { what: "gpu" }, true),
        (Retry::AnyFailure, invalid(), false),
        (Retry::AnyFailure, late(), false),
        (Retry::AnyFailure, Error::Cancelled, false),
    ] {
        let (balance, replicas, _clock) = balance(2, &options().with_retry(retry));
        replicas[0].fail(Some(error.clone()));
        let mut failures = 0;
        // A new replica is tried before those that are known: at the latest the second time.
        for _ in 0..2 {
            if let Err(seen) = balance.predict(request()).await {
                assert_eq!(seen.code(), error.code());
                failures += 1;
            }
        }
        assert_eq!(failures == 0, answered, "{retry:?} {error}");
        assert!(replicas[0].asked() >= 1);
    }
}

#[tokio::test]
async fn retries_are_a_share_of_the_traffic() {
    let options = options().with_retry(Retry::AnyFailure).with_retry_budget(0.2, 1.0);
    let (balance, replicas, _clock) = balance(2, &options);
    replicas.iter().for_each(|replica| replica.fail(Some(Error::backend("engine", "broken"))));
    for _ in 0..1000 {
        balance.predict(request()).await.unwrap_err();
    }
    let asked: usize = replicas.iter().map(|replica| replica.asked()).sum();
    assert!((1195..=1205).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_not_retried() {
    let (balance, replicas, clock) = balance(2, &options());
    for replica in &replicas {
        replica.fail(Some(unavailable()));
        replica.close_gate();
    }
    let asked = || replicas.iter().map(|replica| replica.asked()).sum::<usize>();
    let deadline = clock.monotonic() + 100 * MS;
    let mut running = Box::pin(balance.predict(request().with_deadline(deadline)));
    assert!(polled_once(running.as_mut()).await.is_none());
    clock.advance(100 * MS);
    replicas.iter().for_each(|replica| replica.gate.add_permits(10));
    running.await.unwrap_err();
    assert_eq!(asked(), 1);
    let late = balance.predict(request().with_deadline(deadline)).await.unwrap_err();
    assert!(matches!(late, Error::DeadlineExceeded { .. }), "{late}");
    assert_eq!(asked(), 1);
}

/// What a future gives if it is ready after one poll.
async fn polled_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

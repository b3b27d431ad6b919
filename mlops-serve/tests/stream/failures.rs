//! What happens to requests while a model, sink or source is out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mlops_core::{Error, Result};
use mlops_serve::score::{
    RetryOptions,
    stream::{StreamOptions, StreamScoring},
};
use tokio::time::Instant;

use super::queue::{Kept, Model, Queue, QueueSource, score};

/// Fails until that much time has passed.
fn out_for(time: Duration) -> impl Fn(u64) -> Result<()> + Send + Sync {
    let started = Instant::now();
    move |_| match started.elapsed() {
        passed if passed < time => Err(Error::unavailable("model", "it is being swapped")),
        _ => Ok(()),
    }
}

fn few() -> StreamOptions {
    StreamOptions::default().with_max_in_flight(4, usize::MAX)
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_out_is_waited_for_and_no_more_is_taken_meanwhile() {
    let (queue, kept) = (Queue::of(0..100), Kept::all());
    let model = Model::new(Duration::ZERO, out_for(Duration::from_secs(100)));
    let watched = Arc::clone(&queue);
    let watch = async {
        tokio::time::sleep(Duration::from_secs(99)).await;
        assert_eq!(watched.taken(), 4);
    };
    let (report, ()) = tokio::join!(score(&queue, model, &kept, few()), watch);
    let report = report.unwrap();
    assert_eq!((report.answered, report.rejected, report.redelivered), (100, 0, 0));
    assert!(queue.extended() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stays_out_ends_the_work_and_everything_is_given_back() {
    let (queue, kept) = (Queue::of(0..100), Kept::all());
    let model = Model::new(Duration::ZERO, out_for(Duration::MAX));
    let started = Instant::now();
    let error = score(&queue, model, &kept, few()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(started.elapsed() >= RetryOptions::default().max_outage);
    assert_eq!(queue.waiting(), 100);
    assert!(queue.acknowledged().is_empty() && queue.dead().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_shut_down_ends_the_work_at_once() {
    let (queue, kept) = (Queue::of(0..100), Kept::all());
    let model = Model::new(Duration::from_millis(1), |number| match number {
        50.. => Err(Error::Closed { what: "batcher" }),
        _ => Ok(()),
    });
    let error = score(&queue, model, &kept, few()).await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    assert_eq!(queue.acknowledged(), (0..50).collect::<Vec<_>>());
    assert_eq!(queue.waiting(), 50);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_kept_is_not_acknowledged() {
    let tries = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&tries);
    let kept = Kept::scripted(move |number| match number {
        3 if counted.fetch_add(1, Ordering::Relaxed) < 5 => {
            Err(Error::unavailable("table", "it is locked"))
        }
        4 => Err(Error::TooLarge { what: "message (bytes)", actual: 2, limit: 1 }),
        _ => Ok(()),
    });
    let queue = Queue::of(0..10);
    let report = score(&queue, Model::sound(), &kept, few()).await.unwrap();
    assert_eq!((report.answered, report.rejected), (9, 1));
    assert_eq!(tries.load(Ordering::Relaxed), 6);
    assert!(queue.dead()[&4].contains("over the limit"));
    assert_eq!(queue.acknowledged(), kept.numbers());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_out_of_reach_is_asked_again() {
    let (queue, kept) = (Queue::of(0..10), Kept::all());
    queue.out_of_reach(20);
    let report = score(&queue, Model::sound(), &kept, few()).await.unwrap();
    assert_eq!(report.answered, 10);

    let (queue, kept) = (Queue::of(0..10), Kept::all());
    queue.out_of_reach(usize::MAX);
    let started = Instant::now();
    let error = score(&queue, Model::sound(), &kept, few()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(started.elapsed() >= RetryOptions::default().max_outage);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_fails_is_counted_and_the_request_comes_again() {
    let (queue, kept) = (Queue::of(0..10), Kept::all());
    queue.go_deaf();
    let report = score(&queue, Model::sound(), &kept, few()).await.unwrap();
    assert_eq!((report.answered, report.unacknowledged), (10, 10));
    queue.expire();
    assert_eq!(queue.waiting(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_kept_is_not_lost() {
    let (queue, kept) = (Queue::of(0..10), Kept::all());
    queue.garble(5);
    queue.refuse_letters();
    let error = score(&queue, Model::sound(), &kept, few()).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(queue.waiting() >= 1);
    let mut seen = kept.numbers();
    seen.push(5);
    assert!(!queue.acknowledged().contains(&5));
    assert!(queue.acknowledged().iter().all(|number| seen.contains(number)));
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_a_model_that_is_out() {
    let (queue, kept) = (Queue::of(0..10).stay_open(), Kept::all());
    let model = Model::new(Duration::ZERO, out_for(Duration::MAX));
    let scoring = StreamScoring::new(model, QueueSource(Arc::clone(&queue)), Arc::clone(&kept));
    let started = Instant::now();
    let stop = tokio::time::sleep(Duration::from_secs(30));
    let report = scoring.with_options(few()).run(stop).await.unwrap();
    assert_eq!((report.answered, report.released), (0, 4));
    assert!(queue.is_closed());
    assert!(started.elapsed() < Duration::from_secs(31));
    assert_eq!(queue.waiting(), 10);
}

#[tokio::test(start_paused = true)]
async fn stopping_after_the_source_has_ended_does_not_wait_either() {
    let (queue, kept) = (Queue::of(0..3), Kept::all());
    let model = Model::new(Duration::ZERO, out_for(Duration::MAX));
    let scoring = StreamScoring::new(model, QueueSource(Arc::clone(&queue)), Arc::clone(&kept));
    let started = Instant::now();
    let stop = tokio::time::sleep(Duration::from_secs(30));
    let report = scoring.with_options(few()).run(stop).await.unwrap();
    assert_eq!((report.answered, report.released), (0, 3));
    assert!(started.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_now_and_then_is_not_out_all_the_time() {
    let (queue, kept) = (Queue::of([]).stay_open(), Kept::all());
    let flaky = Arc::clone(&queue);
    let outages = async move {
        for _ in 0..10 {
            flaky.out_of_reach(1);
            flaky.wake();
            tokio::time::sleep(Duration::from_secs(200)).await;
        }
    };
    let scoring = StreamScoring::new(Model::sound(), QueueSource(queue), kept);
    scoring.run(outages).await.unwrap();
}

//! What happens to requests when nothing is wrong with the service.

use std::{sync::Arc, time::Duration};

use mlops_core::{Error, Result, inference::InferenceRequest, random::RandomKey};
use mlops_serve::score::{
    RetryOptions,
    stream::{StreamOptions, StreamScoring, StreamSource},
};

use super::queue::{Kept, Model, Queue, QueueSource, request, score};

#[tokio::test(start_paused = true)]
async fn every_request_is_answered_and_acknowledged_once() {
    let (queue, kept) = (Queue::of(0..500), Kept::all());
    let report = score(&queue, Model::sound(), &kept, StreamOptions::default()).await.unwrap();
    assert_eq!((report.answered, report.rejected, report.released), (500, 0, 0));
    assert_eq!(kept.numbers(), (0..500).collect::<Vec<_>>());
    assert_eq!(queue.acknowledged(), (0..500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_allowed() {
    let (queue, kept, model) = (Queue::of(0..100), Kept::all(), Model::sound());
    let options = StreamOptions::default().with_max_in_flight(7, usize::MAX);
    score(&queue, Arc::<Model>::clone(&model), &kept, options).await.unwrap();
    assert_eq!(model.most(), 7);

    // Each has four bytes: the third passes the limit of nine and is still taken.
    let (queue, model) = (Queue::of(0..100), Model::sound());
    let options = StreamOptions::default().with_max_in_flight(100, 9);
    score(&queue, Arc::<Model>::clone(&model), &kept, options).await.unwrap();
    assert_eq!(model.most(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_becomes_a_dead_letter_and_the_rest_goes_on() {
    let (queue, kept) = (Queue::of(0..50), Kept::all());
    queue.garble(7);
    let model = Model::new(Duration::from_millis(1), |number| match number {
        13 => Err(Error::invalid_tensor("x", "a lucky number", "13")),
        17 => Err(Error::backend("engine", "it broke")),
        _ => Ok(()),
    });
    let report = score(&queue, model, &kept, StreamOptions::default()).await.unwrap();
    assert_eq!((report.answered, report.rejected), (47, 3));
    let dead = queue.dead();
    assert_eq!(dead.keys().copied().collect::<Vec<_>>(), [7, 13, 17]);
    assert!(dead[&7].contains("it is no request"), "{dead:?}");
    assert!(dead[&13].contains("a lucky number"), "{dead:?}");
    assert!(dead[&17].contains("it broke"), "{dead:?}");
    assert_eq!(queue.acknowledged().len(), 47);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_delivered_too_often_is_not_tried_again() {
    let (queue, kept) = (Queue::of(0..3), Kept::all());
    queue.pretend_delivered(1, 20);
    queue.pretend_delivered(2, 19);
    let report = score(&queue, Model::sound(), &kept, StreamOptions::default()).await.unwrap();
    assert_eq!(kept.numbers(), [0, 2]);
    assert!(queue.dead()[&1].contains("delivered 21 times"));
    assert_eq!((report.redelivered, report.rejected), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn long_work_asks_for_more_time() {
    let (queue, kept) = (Queue::of([1]), Kept::all());
    let model = Model::new(Duration::from_secs(60), |_| Ok(()));
    score(&queue, model, &kept, StreamOptions::default()).await.unwrap();
    // Twice within each patience of ten seconds.
    assert!((11..=12).contains(&queue.extended()), "{}", queue.extended());
}

#[tokio::test(start_paused = true)]
async fn stopping_finishes_what_is_under_way_and_takes_no_more() {
    let (queue, kept) = (Queue::of(0..1000).stay_open(), Kept::all());
    let options = StreamOptions::default().with_max_in_flight(10, usize::MAX);
    let scoring = StreamScoring::new(
        Model::new(Duration::from_secs(1), |_| Ok(())),
        QueueSource(Arc::clone(&queue)),
        Arc::clone(&kept),
    );
    let stop = tokio::time::sleep(Duration::from_millis(2500));
    let report = scoring.with_options(options).run(stop).await.unwrap();
    assert_eq!(report.answered, 30);
    assert_eq!(queue.acknowledged(), kept.numbers());
    assert_eq!(queue.waiting(), 970);
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_moment_nothing_is_lost() {
    let mut moments = RandomKey::from_seed(3).stream(0);
    let (queue, kept) = (Queue::of(0..200), Kept::all());
    let options =
        StreamOptions::default().with_max_in_flight(8, usize::MAX).with_max_deliveries(1000);
    loop {
        let limit = Duration::from_micros(moments.next_u64() % 20_000);
        let run = score(&queue, Model::sound(), &kept, options.clone());
        if tokio::time::timeout(limit, run).await.is_ok() && queue.waiting() == 0 {
            break;
        }
        queue.expire();
    }
    assert_eq!(kept.numbers(), (0..200).collect::<Vec<_>>());
    assert_eq!(queue.acknowledged(), (0..200).collect::<Vec<_>>());
    assert!(queue.dead().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_this_process_is_a_source() -> Result<()> {
    let (letters, mut dead) = tokio::sync::mpsc::unbounded_channel();
    let source = StreamSource::new(
        futures_util::stream::iter((0..20).map(request)),
        move |id: &str, request: InferenceRequest, error: Error| {
            let x = request.inputs.require("x").unwrap().as_slice::<f32>().unwrap()[0];
            letters.send((id.to_owned(), x, error.code())).unwrap();
        },
    );
    let model = Model::new(Duration::ZERO, |number| match number {
        5 => Err(Error::invalid("request", "five")),
        _ => Ok(()),
    });
    let kept = Kept::all();
    let report =
        StreamScoring::new(model, source, Arc::clone(&kept)).run(std::future::pending()).await?;
    assert_eq!((report.answered, report.rejected), (19, 1));
    assert_eq!(dead.recv().await, Some(("5".to_owned(), 5.0, "invalid_argument")));
    assert_eq!(kept.numbers().len(), 19);
    Ok(())
}

#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    let default = StreamOptions::default;
    let retry = |retry: RetryOptions| default().with_retry(retry);
    let delays = |initial, max| {
        let (initial, max) = (Duration::from_millis(initial), Duration::from_millis(max));
        retry(RetryOptions::default().with_delays(initial, max))
    };
    for (options, name) in [
        (default().with_max_in_flight(0, 1), "max_in_flight"),
        (default().with_max_in_flight(1, 0), "max_in_flight_bytes"),
        (default().with_max_deliveries(0), "max_deliveries"),
        (retry(RetryOptions::default().with_max_attempts(0)), "max_attempts"),
        (delays(0, 10), "initial_delay"),
        (delays(20, 10), "initial_delay"),
    ] {
        let (queue, kept) = (Queue::of(0..1), Kept::all());
        let error = score(&queue, Model::sound(), &kept, options).await.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what, .. } if what == name), "{error}");
        assert_eq!(queue.taken(), 0);
    }
}

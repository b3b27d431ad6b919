//! The end of a sink.

use std::{sync::Arc, thread, time::Duration};

use mlops_core::{Error, alert::AlertSink};

use super::{
    alert, options,
    server::{Act, OK, Server},
    start,
};

const BUSY: Act = Act::Answer("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n");

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_waits_is_sent_and_nothing_more_is_taken() {
    let server = Server::start(vec![OK]);
    let (sink, _) = start(&server, options());
    (0..5).for_each(|kind| sink.raise(&alert(&kind.to_string())));
    sink.shutdown(seconds(10)).unwrap();
    sink.raise(&alert("late"));
    sink.shutdown(Duration::MAX).unwrap();
    let stats = sink.stats();
    assert_eq!((stats.sent, stats.dropped, stats.waiting), (5, 1, 0));
}

#[test]
fn what_waits_for_another_attempt_is_sent_if_there_is_time() {
    let server = Server::start(vec![BUSY, OK]);
    let (sink, clock) = start(&server, options());
    sink.raise(&alert("drift"));
    server.requests.recv().unwrap();
    clock.until_deadline();
    let sink = Arc::new(sink);
    let shutdown = thread::spawn({
        let sink = Arc::clone(&sink);
        move || sink.shutdown(seconds(1000))
    });
    // The thread that sends, and the one that shuts down.
    clock.until_waiting(2);
    clock.advance(seconds(100));
    shutdown.join().unwrap().unwrap();
    assert_eq!((sink.stats().sent, sink.stats().dropped), (1, 0));
}

#[test]
fn what_there_is_no_time_for_is_dropped_and_counted() {
    let server = Server::start(vec![BUSY]);
    let (sink, clock) = start(&server, options());
    (0..3).for_each(|kind| sink.raise(&alert(&kind.to_string())));
    server.requests.recv().unwrap();
    clock.until_deadline();
    let error = sink.shutdown(Duration::ZERO).unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    // Once more, to wait for its end: by then everything is counted.
    sink.shutdown(seconds(10)).ok();
    while sink.stats().dropped < 3 {
        thread::yield_now();
    }
    assert_eq!((sink.stats().sent, sink.stats().dropped, sink.stats().waiting), (0, 3, 0));
}

#[test]
fn a_post_under_way_does_not_hold_up_the_end() {
    let server = Server::start(vec![Act::Hold]);
    let (sink, clock) = start(&server, options());
    sink.raise(&alert("drift"));
    server.requests.recv().unwrap();
    let sink = Arc::new(sink);
    let shutdown = thread::spawn({
        let sink = Arc::clone(&sink);
        move || sink.shutdown(seconds(5))
    });
    clock.until_waiting(1);
    clock.advance(seconds(5));
    let error = shutdown.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    // The thread ends after it.
    server.release();
    while sink.stats().dropped == 0 {
        thread::yield_now();
    }
    assert_eq!(sink.shutdown(seconds(5)).map_err(|error| error.code()), Ok(()));
}

#[test]
fn dropping_ends_the_thread_and_waits_for_nothing() {
    let server = Server::start(vec![BUSY]);
    let (sink, clock) = start(&server, options());
    (0..3).for_each(|kind| sink.raise(&alert(&kind.to_string())));
    server.requests.recv().unwrap();
    clock.until_deadline();
    drop(sink);
    // Whoever waited on the clock was the sink's thread: it holds the clock until it ends.
    while Arc::strong_count(&clock) > 1 {
        thread::yield_now();
    }
    assert_eq!(server.requests.try_iter().count(), 0);
}

//! What arrives, how often, and what is counted.

use std::{net::TcpListener, thread, time::Duration};

use mlops_core::alert::{Alert, AlertSink};
use mlops_drift::alert::WebhookStats;

use super::{
    alert, options,
    server::{Act, OK, Server},
    start, start_at,
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn counts(stats: WebhookStats) -> [u64; 4] {
    [stats.sent, stats.failed, stats.retried, stats.dropped]
}

#[test]
fn an_alert_arrives_as_it_is() {
    let server = Server::start(vec![OK]);
    let (sink, _) = start(&server, options());
    sink.raise(&alert("drift"));
    let request = server.requests.recv().unwrap();
    assert_eq!(request.line, "POST /hook/T0KEN?a=1 HTTP/1.1");
    let header = |name: &str| request.headers[name].as_str();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!((header("authorization"), header("x-team")), ("Bearer s3cret", "drift"));
    assert_eq!(serde_json::from_str::<Alert>(&request.body).unwrap(), alert("drift"));
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [1, 0, 0, 0]);
}

#[test]
fn alerts_arrive_in_order() {
    let server = Server::start(vec![OK]);
    let (sink, _) = start(&server, options());
    let kinds: Vec<_> = (0..50).map(|kind| kind.to_string()).collect();
    kinds.iter().for_each(|kind| sink.raise(&alert(kind)));
    sink.shutdown(seconds(10)).unwrap();
    let arrived = server
        .requests
        .try_iter()
        .map(|request| request.json()["kind"].as_str().unwrap().to_owned());
    assert_eq!(arrived.collect::<Vec<_>>(), kinds);
}

/// What goes wrong on the way is tried again, with the same key, after the wait that doubles.
#[track_caller]
fn is_tried_again(act: &Act, wait: u64) {
    let server = Server::start(vec![act.clone(), OK]);
    let (sink, clock) = start(&server, options().with_timeouts(seconds(5), seconds(5)));
    sink.raise(&alert("drift"));
    let first = (!matches!(act, Act::Reset)).then(|| server.requests.recv().unwrap());
    let (due, now) = (clock.until_deadline(), mlops_core::clock::Clock::monotonic(&*clock));
    let least = seconds(wait.max(50));
    assert!(due - now >= least && due - now <= least.max(seconds(100)), "{:?}", due - now);
    clock.advance(due - now);
    let second = server.requests.recv().unwrap();
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [1, 0, 1, 0], "{act:?}");
    if let Some(first) = first {
        let key = |request: &super::server::Request| request.headers["idempotency-key"].clone();
        assert_eq!((key(&first), first.body), (key(&second), second.body));
    }
}

#[test]
fn failures_of_the_server_are_tried_again() {
    is_tried_again(&Act::Answer("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"), 0);
    is_tried_again(&Act::Answer("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"), 0);
    is_tried_again(&Act::Answer("HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n"), 0);
}

#[test]
fn a_receiver_that_wants_to_be_left_alone_is() {
    let answer = "HTTP/1.1 429 Slow\r\nretry-after: 333\r\ncontent-length: 0\r\n\r\n";
    is_tried_again(&Act::Answer(answer), 333);
    // The clock on the wall is at the epoch.
    let answer = "HTTP/1.1 503 Busy\r\nretry-after: Thu, 01 Jan 1970 00:04:00 GMT\r\n\
        content-length: 0\r\n\r\n";
    is_tried_again(&Act::Answer(answer), 240);
}

#[test]
fn connections_that_break_are_tried_again() {
    is_tried_again(&Act::Reset, 0);
    is_tried_again(&Act::Half, 0);
    is_tried_again(&Act::Answer("no HTTP at all\r\n\r\n"), 0);
}

#[test]
fn a_server_that_does_not_answer_is_given_up_and_tried_again() {
    let server = Server::start(vec![Act::Hold, OK]);
    let (sink, clock) = start(&server, options().with_timeouts(seconds(1), seconds(1)));
    sink.raise(&alert("drift"));
    server.requests.recv().unwrap();
    clock.until_deadline();
    server.release();
    clock.advance(seconds(100));
    server.requests.recv().unwrap();
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [1, 0, 1, 0]);
}

#[test]
fn a_server_that_is_not_there_is_tried_as_often_as_allowed() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (sink, clock) = start_at(format!("http://127.0.0.1:{port}/"), options());
    sink.raise(&alert("drift"));
    for retried in 1..=2 {
        clock.until_deadline();
        clock.advance(seconds(1000));
        while sink.stats().retried < retried {
            thread::yield_now();
        }
    }
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [0, 1, 2, 0]);
}

#[test]
fn no_alert_goes_to_a_server_without_a_certificate() {
    let server = Server::start(vec![Act::Half]);
    let url = server.url().replace("http:", "https:");
    let (sink, _) = start_at(url, options().with_max_attempts(1));
    sink.raise(&alert("drift"));
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [0, 1, 0, 0]);
    let came = server.requests.try_iter().map(|request| request.line + &request.body);
    assert!(!came.collect::<String>().contains("drift"));
}

#[test]
fn what_the_receiver_refuses_is_not_tried_again() {
    for answer in [
        "HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 404 No\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nretry-after: 86400\r\ncontent-length: 0\r\n\r\n",
    ] {
        let server = Server::start(vec![Act::Answer(answer)]);
        let (sink, _) = start(&server, options());
        sink.raise(&alert("drift"));
        sink.shutdown(seconds(10)).unwrap();
        assert_eq!(counts(sink.stats()), [0, 1, 0, 0], "{answer}");
        assert_eq!(server.requests.try_iter().count(), 1);
    }
}

#[test]
fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start(vec![OK]);
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            other.url()
        );
        let server = Server::start(vec![Act::Answer(answer.leak())]);
        let (sink, _) = start(&server, options());
        sink.raise(&alert("drift"));
        sink.shutdown(seconds(10)).unwrap();
        assert_eq!(counts(sink.stats()), [0, 1, 0, 0], "{status}");
        assert_eq!((server.requests.try_iter().count(), other.requests.try_iter().count()), (1, 0));
    }
}

#[test]
fn a_body_that_never_ends_is_no_more_than_its_status() {
    let server = Server::start(vec![Act::Answer(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n",
    )]);
    let (sink, _) = start(&server, options());
    sink.raise(&alert("drift"));
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [1, 0, 0, 0]);
}

#[test]
fn when_there_is_no_room_the_oldest_are_dropped() {
    let server = Server::start(vec![Act::Hold, OK]);
    let (sink, clock) = start(&server, options().with_queue(3, 1 << 20));
    sink.raise(&alert("first"));
    server.requests.recv().unwrap();
    // The first is on its way; of these there is room for three.
    (0..10).for_each(|kind| sink.raise(&alert(&kind.to_string())));
    assert_eq!((counts(sink.stats()), sink.stats().waiting), ([0, 0, 0, 7], 3));
    server.release();
    clock.until_deadline();
    clock.advance(seconds(100));
    sink.shutdown(seconds(10)).unwrap();
    assert_eq!(counts(sink.stats()), [4, 0, 1, 7]);
    let arrived: Vec<_> =
        server.requests.try_iter().map(|request| request.json()["kind"].clone()).collect();
    assert_eq!(arrived, ["first", "7", "8", "9"]);
}

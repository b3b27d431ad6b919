//! On virtual time, against models that are a few lines.

use std::collections::BTreeMap;

use super::*;
use crate::load::{Outcome, Process, timer::runtime::RuntimeTimer};

/// A model by the time it takes: from when a request came in to when it is answered, if ever.
#[derive(Clone, Copy)]
struct Model {
    start: Instant,
    answer: fn(Duration, Ticket) -> Option<(Duration, Outcome)>,
}

impl Connection for Model {
    async fn send(&mut self, ticket: Ticket) -> Outcome {
        match (self.answer)(self.start.elapsed(), ticket) {
            Some((time, outcome)) => {
                tokio::time::sleep(time).await;
                outcome
            }
            None => std::future::pending().await,
        }
    }
}

const SIZES: Sizes = Sizes { sound: 4, poison: 2 };

async fn send(
    test: &LoadTest,
    answer: fn(Duration, Ticket) -> Option<(Duration, Outcome)>,
) -> Report {
    let start = Instant::now();
    let connections = vec![Model { start, answer }; test.arrivals.connections()];
    let part = Part { test, share: test.arrivals, thread: 0, threads: 1, start };
    part.send(connections, SIZES, RuntimeTimer::new().unwrap()).await
}

fn seconds(arrivals: Arrivals, seconds: u64) -> LoadTest {
    LoadTest::new(arrivals).with_duration(Duration::ZERO, Duration::from_secs(seconds))
}

fn open(rate: f64, process: Process, connections: usize) -> Arrivals {
    Arrivals::Open { rate, process, connections }
}

/// Answers in two milliseconds, but for the second from 4 to 5 s, in which it does nothing.
fn stalls(now: Duration, _: Ticket) -> Option<(Duration, Outcome)> {
    let (stall, end) = (Duration::from_secs(4), Duration::from_secs(5));
    let wait = if (stall..end).contains(&now) { end - now } else { Duration::ZERO };
    Some((wait + Duration::from_millis(2), Outcome::Answered))
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_in_the_latency_of_all_that_were_due_during_it() {
    // A tenth of all requests are due in the stall and wait for half of it on average. One
    // connection sends the rest of them late, many send them on time: their latency is the same.
    for connections in [1, 200] {
        let arrivals = open(100.0, Process::Constant, connections);
        let report = send(&seconds(arrivals, 10), stalls).await;
        assert_eq!((report.due, report.sound[&Outcome::Answered]), (1000, 1000));
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| report.latency.quantile(share));
        assert!(p50 <= Duration::from_millis(4), "{p50:?}");
        // With one connection the backlog takes another 0.25 s to work off.
        assert!((Duration::from_millis(490)..Duration::from_millis(700)).contains(&p95), "{p95:?}");
        assert!(
            (Duration::from_millis(890)..Duration::from_millis(1020)).contains(&p99),
            "{p99:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_sees_a_stall_once() {
    // Which is why its quantiles say nothing about how long users wait.
    let report = send(&seconds(Arrivals::Closed { clients: 1 }, 10), stalls).await;
    assert!(report.latency.quantile(0.99) <= Duration::from_millis(3));
    assert!(report.latency.max() >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn requests_arrive_at_the_rate_asked_for() {
    let instant = |_, _| Some((Duration::ZERO, Outcome::Answered));
    let report = send(&seconds(open(1000.0, Process::Constant, 4), 30), instant).await;
    assert_eq!(report.due, 30_000);
    let report = send(&seconds(open(1000.0, Process::Poisson, 4), 30), instant).await;
    // Standard deviation 173; 5 of them.
    assert!(report.due.abs_diff(30_000) < 866, "{}", report.due);
}

#[tokio::test(start_paused = true)]
async fn every_request_that_was_due_is_counted_once() {
    let arrivals = [
        Arrivals::Closed { clients: 7 },
        open(500.0, Process::Poisson, 3),
        open(500.0, Process::Constant, 300),
    ];
    for arrivals in arrivals {
        let mix = Mix::default().with_poison(0.2).with_disconnects(0.1);
        let test = seconds(arrivals, 5)
            .with_mix(mix)
            .with_duration(Duration::from_millis(700), Duration::from_secs(5))
            .with_drain(Duration::from_millis(50));
        let report = send(&test, |now, ticket| {
            let outcome = match ticket {
                Ticket { leaves: true, .. } => Outcome::Left,
                Ticket { is_poison: true, .. } => Outcome::Refused(500),
                _ => Outcome::Answered,
            };
            // From the fourth second on, nobody is answered.
            (now < Duration::from_secs(4)).then_some((Duration::from_millis(9), outcome))
        })
        .await;
        let total = |counts: &BTreeMap<Outcome, u64>| counts.values().sum::<u64>();
        assert_eq!(report.due, total(&report.sound) + total(&report.poison) + report.unfinished);
        assert!(report.unfinished > 0);
        assert!(report.sound[&Outcome::Answered] > 0 && report.poison[&Outcome::Refused(500)] > 0);
        assert!(!report.sound.contains_key(&Outcome::Refused(500)));
        assert_eq!(report.failed(), 0);
        // A disconnect, a refusal and a poison have no latency; an unanswered request has.
        let expected = report.sound[&Outcome::Answered] + report.unfinished;
        assert_eq!(report.latency.count(), expected);
        assert_eq!(report.start_delay.count() + unsent(&report), report.due);
    }
}

/// Requests that were due and not even sent.
fn unsent(report: &Report) -> u64 {
    report.due - report.start_delay.count()
}

#[tokio::test(start_paused = true)]
async fn what_is_never_answered_has_waited_until_the_end() {
    let test = seconds(open(10.0, Process::Constant, 2), 10).with_drain(Duration::from_secs(5));
    let report = send(&test, |_, _| None).await;
    assert_eq!((report.due, report.unfinished, report.answers), (100, 100, 0));
    assert_eq!(unsent(&report), 98);
    // The first was due 15 s before the end of the test, the last 5.1 s.
    assert!(report.latency.max() >= Duration::from_secs(15));
    assert!(report.latency.quantile(0.0) >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn warm_up_is_not_measured() {
    let slow_start = |now: Duration, _| {
        let is_warm = now >= Duration::from_secs(2);
        Some((Duration::from_millis(if is_warm { 1 } else { 300 }), Outcome::Answered))
    };
    let test = LoadTest::new(open(100.0, Process::Constant, 100))
        .with_duration(Duration::from_secs(3), Duration::from_secs(4));
    let report = send(&test, slow_start).await;
    assert_eq!((report.due, report.window), (400, Duration::from_secs(4)));
    assert!(report.latency.max() < Duration::from_millis(10));
    assert!((report.throughput() - 100.0).abs() < 1.0, "{}", report.throughput());
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_sends_the_same() {
    let mix = Mix::default().with_poison(0.3).with_disconnects(0.3);
    let outcome = |_, ticket: Ticket| {
        Some((
            Duration::from_millis(ticket.request as u64),
            Outcome::Refused(ticket.request as u16),
        ))
    };
    let run = async |seed, arrivals| {
        let report = send(&seconds(arrivals, 5).with_mix(mix).with_seed(seed), outcome).await;
        (report.due, report.sound, report.poison)
    };
    for arrivals in [open(300.0, Process::Poisson, 5), Arrivals::Closed { clients: 3 }] {
        assert_eq!(run(1, arrivals).await, run(1, arrivals).await);
        assert_ne!(run(1, arrivals).await, run(2, arrivals).await);
    }
}

/// Connects once.
struct OneConnection(std::sync::atomic::AtomicBool);

impl Transport for OneConnection {
    type Connection = Model;

    fn sizes(&self) -> Sizes {
        SIZES
    }

    async fn connect(&self) -> Result<Model> {
        if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return Err("no more connections".into());
        }
        Ok(Model { start: Instant::now(), answer: |_, _| None })
    }
}

#[test]
fn a_thread_that_cannot_connect_ends_the_test_before_it_begins() {
    let transport = Arc::new(OneConnection(false.into()));
    let test = seconds(Arrivals::Closed { clients: 2 }, 3600).with_threads(2);
    assert!(test.run(&transport).unwrap_err().to_string().contains("no more connections"));
}

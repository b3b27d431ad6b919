//! The choice as a table and by simulation.

use std::{cmp::Reverse, collections::BinaryHeap};

use mlops_core::random::RandomKey;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn policy(replicas: usize) -> (Policy, Instant) {
    let now = Instant::now();
    let options = BalanceOptions::default().with_aside(100 * MS, 1000 * MS);
    (Policy::new(replicas, &options, now), now)
}

/// Chooses among two, so that both are drawn and the choice does not depend on chance.
fn choose(policy: &mut Policy, now: Instant) -> Option<usize> {
    policy.choose(now, &mut RandomKey::from_seed(1).stream(0), None)
}

#[test]
fn the_lower_load_is_chosen() {
    // Latency in ms and requests in flight of both, and which is chosen.
    let table = [
        ((10, 0), (20, 0), 0),
        ((10, 0), (5, 0), 1),
        ((10, 1), (5, 2), 1),
        ((10, 1), (5, 4), 0),
        ((10, 2), (10, 1), 1),
        // A new replica is tried first, and not again before it has answered.
        ((10, 0), (0, 0), 1),
        ((10, 50), (0, 1), 0),
        ((0, 2), (0, 1), 1),
    ];
    for (first, second, expected) in table {
        let (mut policy, now) = policy(2);
        for (replica, (latency, in_flight)) in policy.replicas.iter_mut().zip([first, second]) {
            if latency > 0 {
                replica.observe((latency * MS).as_secs_f64(), now, 10.0);
            }
            replica.in_flight = in_flight;
        }
        assert_eq!(choose(&mut policy, now), Some(expected), "{first:?} {second:?}");
        assert_eq!(policy.replicas[expected].in_flight, [first, second][expected].1 + 1);
    }
}

#[test]
fn latency_rises_at_once_and_falls_slowly() {
    let (mut policy, now) = policy(1);
    let replica = &mut policy.replicas[0];
    replica.observe(0.010, now, 10.0);
    replica.observe(0.100, now, 10.0);
    assert!((replica.latency - 0.1).abs() < 1e-12);
    replica.observe(0.010, now + MS, 10.0);
    assert!(replica.latency > 0.099);
    let later = now + Duration::from_secs(10);
    let forgotten = replica.latency_at(later, 10.0) / replica.latency;
    assert!((forgotten - (-1.0_f64).exp()).abs() < 1e-3, "{forgotten}");
}

#[test]
fn outcomes_say_what_they_can() {
    let (mut policy, now) = policy(1);
    let mut latency_after = |outcome, elapsed| {
        policy.replicas[0].in_flight = 1;
        policy.ended(0, outcome, elapsed, now);
        assert_eq!(policy.replicas[0].in_flight, 0);
        (policy.replicas[0].latency * 1000.0).round()
    };
    assert_eq!(latency_after(Outcome::Answered, 10 * MS), 10.0);
    assert_eq!(latency_after(Outcome::Refused, 500 * MS), 10.0);
    assert_eq!(latency_after(Outcome::GivenUp, 5 * MS), 10.0);
    assert_eq!(latency_after(Outcome::GivenUp, 40 * MS), 40.0);
    assert_eq!(latency_after(Outcome::Failed, MS / 10), 40.0);
}

#[test]
fn quick_to_fail_is_not_quick_but_soon_forgotten() {
    let (mut policy, now) = policy(2);
    for replica in &mut policy.replicas {
        replica.observe(0.010, now, 10.0);
    }
    for _ in 0..3 {
        policy.replicas[0].in_flight = 1;
        policy.ended(0, Outcome::Failed, MS / 10, now);
    }
    // 1, 3, 7 times more: as if seven more requests were under way.
    for in_flight in 0..7 {
        policy.replicas[1].in_flight = in_flight;
        assert_eq!(choose(&mut policy, now), Some(1), "{in_flight}");
    }
    policy.replicas[1].in_flight = 8;
    assert_eq!(choose(&mut policy, now), Some(0));
    policy.replicas[0].in_flight = 0;
    policy.replicas[1].in_flight = 1;
    assert_eq!(choose(&mut policy, now + 500 * MS), Some(0));
}

#[test]
fn a_replica_that_fails_is_aside_for_longer_each_time_and_tried_by_one() {
    let (mut policy, mut now) = policy(1);
    for aside in [100, 200, 400, 800, 1000, 1000] {
        assert_eq!(choose(&mut policy, now), Some(0));
        policy.ended(0, Outcome::Unreachable, MS, now);
        assert_eq!(policy.next_open(), Some(now + aside * MS));
        assert_eq!(choose(&mut policy, now + (aside - 1) * MS), None);
        now += aside * MS;
    }
    assert_eq!(choose(&mut policy, now), Some(0));
    assert_eq!(choose(&mut policy, now), None, "one request tries it");
    policy.ended(0, Outcome::Answered, MS, now);
    assert_eq!(policy.next_open(), None);
    assert_eq!(choose(&mut policy, now), Some(0));
    assert_eq!(choose(&mut policy, now), Some(0));
    // Both were under way when it went down: one failure.
    policy.ended(0, Outcome::Unreachable, MS, now);
    policy.ended(0, Outcome::Unreachable, MS, now);
    assert_eq!(policy.next_open(), Some(now + 100 * MS));
}

#[test]
fn the_replica_to_avoid_is_avoided() {
    let (mut policy, now) = policy(2);
    let mut random = RandomKey::from_seed(1).stream(0);
    for _ in 0..10 {
        assert_eq!(policy.choose(now, &mut random, Some(0)), Some(1));
    }
    let (mut alone, now) = self::policy(1);
    assert_eq!(alone.choose(now, &mut random, Some(0)), None);
}

/// How replica `i` answers at a moment: how long it takes, and whether it fails.
type Behaviour<'a> = &'a dyn Fn(usize, Duration) -> (Duration, Outcome);

/// Requests come every `every`. Returns which replica each got.
fn simulate(
    replicas: usize,
    every: Duration,
    requests: u32,
    behaviour: Behaviour<'_>,
) -> Vec<usize> {
    let (mut policy, start) = policy(replicas);
    let key = RandomKey::from_seed(7);
    let mut chosen = Vec::new();
    // The next to end is at the top.
    let mut running: BinaryHeap<Reverse<(Instant, usize, Duration, bool)>> = BinaryHeap::new();
    for number in 0..requests {
        let now = start + every * number;
        while let Some(Reverse((ends, index, took, failed))) = running.peek().copied() {
            if ends > now {
                break;
            }
            running.pop();
            let outcome = if failed { Outcome::Failed } else { Outcome::Answered };
            policy.ended(index, outcome, took, ends);
        }
        let mut random = key.stream(u64::from(number));
        let index = policy.choose(now, &mut random, None).unwrap();
        chosen.push(index);
        let (takes, outcome) = behaviour(index, every * number);
        running.push(Reverse((now + takes, index, takes, outcome == Outcome::Failed)));
    }
    chosen
}

fn counts<const N: usize>(chosen: &[usize]) -> [usize; N] {
    let mut counts = [0; N];
    chosen.iter().for_each(|index| counts[*index] += 1);
    counts
}

#[test]
fn equal_replicas_share_equally() {
    let chosen = simulate(4, MS, 40_000, &|_, _| (10 * MS, Outcome::Answered));
    let counts = counts::<4>(&chosen);
    assert!(counts.iter().all(|count| (9_000..=11_000).contains(count)), "{counts:?}");
}

#[test]
fn a_slow_replica_gets_less_and_none_starves() {
    let slow = |index, _| (if index == 2 { 50 * MS } else { 10 * MS }, Outcome::Answered);
    let busy = counts::<3>(&simulate(3, MS, 60_000, &slow));
    assert!(busy[2] < busy[0] / 2 && busy[2] < busy[1] / 2 && busy[2] > 100, "{busy:?}");
    // With hardly any requests in flight, too.
    let idle = counts::<3>(&simulate(3, 20 * MS, 60_000, &slow));
    assert!(idle[2] < idle[0] / 4 && idle[2] > 10, "{idle:?}");
}

#[test]
fn a_replica_that_fails_fast_attracts_nothing() {
    let broken = |index, _| {
        if index == 0 { (MS / 10, Outcome::Failed) } else { (10 * MS, Outcome::Answered) }
    };
    let counts = counts::<3>(&simulate(3, MS, 60_000, &broken));
    assert!(counts[0] < 60_000 / 20 && counts[0] > 10, "{counts:?}");
}

#[test]
fn a_replica_that_was_full_gets_its_share_back_soon() {
    let full_at_first = |index, at: Duration| {
        let full = index == 0 && at < Duration::from_secs(5);
        (10 * MS, if full { Outcome::Failed } else { Outcome::Answered })
    };
    let chosen = simulate(2, MS, 10_000, &full_at_first);
    let [while_full, _] = counts(&chosen[..5_000]);
    let [after, others] = counts(&chosen[6_000..]);
    assert!(while_full < 1_000, "{while_full}");
    assert!(after > others / 2, "{after} {others}");
}

//! [`Policy`]: which replica gets a request. Pure: time, randomness and outcomes go in, choices come
//! out.

use std::time::{Duration, Instant};

use mlops_core::random::RandomStream;
use smallvec::SmallVec;

use super::options::BalanceOptions;

/// What is known of all replicas.
#[derive(Debug)]
pub(super) struct Policy {
    replicas: Vec<Replica>,
    /// Seconds until latency counts for 1/e.
    decay: f64,
    /// Seconds until a penalty counts for 1/e.
    recovery: f64,
    min_aside: Duration,
    max_aside: Duration,
}

#[derive(Debug)]
struct Replica {
    in_flight: usize,
    /// Seconds; 0 if no request has been answered yet.
    latency: f64,
    /// When `latency` was right.
    updated: Instant,
    /// How much higher its load is taken to be, for requests that it failed; 0 for none.
    penalty: f64,
    /// When `penalty` was right.
    penalised: Instant,
    /// In a row.
    failures: u32,
    /// Since its last failure it is not asked before this moment, and then by one request at a time.
    aside_until: Option<Instant>,
}

/// How a request ended, for what it says about the replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Answered: this is how fast the replica is.
    Answered,
    /// Refused for what the request was: says nothing of the replica.
    Refused,
    /// The caller went away or its deadline passed: the replica is at least this slow.
    GivenUp,
    /// The replica is full or failed at this request, which may be quick: it must not look fast.
    Failed,
    /// The replica cannot be asked.
    Unreachable,
}

/// Of a replica without any answer: behind all that have one as long as it is busy, before all if it
/// is idle.
const UNKNOWN: f64 = 1e6;

/// The latency of a replica that has only failed so far, in seconds.
const FAILED: f64 = 1e-3;

/// However often a replica fails, it is asked again soon after it has recovered.
const MAX_PENALTY: f64 = 1e3;

impl Policy {
    pub(super) fn new(replicas: usize, options: &BalanceOptions, now: Instant) -> Self {
        let replica = || Replica {
            in_flight: 0,
            latency: 0.0,
            updated: now,
            penalty: 0.0,
            penalised: now,
            failures: 0,
            aside_until: None,
        };
        Self {
            replicas: (0..replicas).map(|_| replica()).collect(),
            decay: options.decay.as_secs_f64().max(1e-9),
            recovery: options.min_aside.as_secs_f64().max(1e-9),
            min_aside: options.min_aside,
            max_aside: options.max_aside,
        }
    }

    /// Chooses a replica other than `except` and counts the request as in flight there; `None` if
    /// all are put aside.
    ///
    /// Of two drawn at random, the one with the lower load: latency times requests in flight, this
    /// one included. Two are nearly as good as all (Mitzenmacher 2001, "The power of two choices in
    /// randomized load balancing"), and not everybody runs to the same one.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        random: &mut RandomStream,
        except: Option<usize>,
    ) -> Option<usize> {
        let open = |(index, replica): (usize, &Replica)| {
            (Some(index) != except && replica.is_open(now)).then_some(index)
        };
        let open: SmallVec<[usize; 16]> =
            self.replicas.iter().enumerate().filter_map(open).collect();
        let chosen = match open[..] {
            [] => return None,
            [only] => only,
            [..] => {
                let first = random.next_below(open.len() as u64) as usize;
                let second = random.next_below(open.len() as u64 - 1) as usize;
                let second = second + usize::from(second >= first);
                let load =
                    |index: usize| self.replicas[open[index]].load(now, self.decay, self.recovery);
                open[if load(second) < load(first) { second } else { first }]
            }
        };
        self.replicas[chosen].in_flight += 1;
        Some(chosen)
    }

    /// A request that was in flight has ended.
    pub(super) fn ended(
        &mut self,
        index: usize,
        outcome: Outcome,
        elapsed: Duration,
        now: Instant,
    ) {
        let (decay, recovery) = (self.decay, self.recovery);
        let aside = self.aside(self.replicas[index].failures);
        let replica = &mut self.replicas[index];
        replica.in_flight = replica.in_flight.saturating_sub(1);
        let elapsed = elapsed.as_secs_f64();
        match outcome {
            Outcome::Refused => replica.recover(),
            Outcome::Answered => {
                replica.recover();
                replica.observe(elapsed, now, decay);
            }
            Outcome::GivenUp => {
                if elapsed > replica.latency_at(now, decay) {
                    replica.observe(elapsed, now, decay);
                }
            }
            Outcome::Failed => {
                let penalty = 1.0 + 2.0 * replica.penalty_at(now, recovery);
                replica.penalty = penalty.min(MAX_PENALTY);
                replica.penalised = now;
            }
            Outcome::Unreachable => {
                // Requests that were under way when it was put aside say the same once more.
                if replica.aside_until.is_none_or(|until| until <= now) {
                    replica.failures = replica.failures.saturating_add(1);
                    replica.aside_until = now.checked_add(aside);
                }
            }
        }
    }

    /// When the next replica may be asked that is put aside now.
    pub(super) fn next_open(&self) -> Option<Instant> {
        self.replicas.iter().filter_map(|replica| replica.aside_until).min()
    }

    pub(super) fn in_flight(&self) -> impl Iterator<Item = usize> + '_ {
        self.replicas.iter().map(|replica| replica.in_flight)
    }

    /// How long a replica is put aside that has failed so often before.
    fn aside(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures);
        self.min_aside.saturating_mul(factor).min(self.max_aside)
    }
}

impl Replica {
    fn is_open(&self, now: Instant) -> bool {
        // One request finds out whether it is back.
        self.aside_until.is_none_or(|until| until <= now && self.in_flight == 0)
    }

    fn recover(&mut self) {
        self.failures = 0;
        self.aside_until = None;
    }

    fn load(&self, now: Instant, decay: f64, recovery: f64) -> f64 {
        let penalty = self.penalty_at(now, recovery);
        let known = if penalty > 0.0 { FAILED } else { 0.0 };
        let latency = self.latency_at(now, decay).max(known);
        if latency == 0.0 && self.in_flight > 0 {
            return UNKNOWN * (self.in_flight + 1) as f64;
        }
        latency * (1.0 + penalty) * (self.in_flight + 1) as f64
    }

    fn penalty_at(&self, now: Instant, recovery: f64) -> f64 {
        let age = now.saturating_duration_since(self.penalised).as_secs_f64();
        self.penalty * (-age / recovery).exp()
    }

    /// Forgotten bit by bit, so that a replica that was slow is asked again.
    fn latency_at(&self, now: Instant, decay: f64) -> f64 {
        let age = now.saturating_duration_since(self.updated).as_secs_f64();
        self.latency * (-age / decay).exp()
    }

    /// Peak EWMA, as in Finagle: what is slower than expected counts in full and at once, what is
    /// faster by the time since the last answer.
    fn observe(&mut self, latency: f64, now: Instant, decay: f64) {
        let age = now.saturating_duration_since(self.updated).as_secs_f64();
        let keep = (-age / decay).exp();
        let expected = self.latency * keep;
        // Never 0, which stands for unknown.
        let latency = latency.max(1e-9);
        self.latency =
            if latency >= expected { latency } else { expected + latency * (1.0 - keep) };
        self.updated = now;
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;

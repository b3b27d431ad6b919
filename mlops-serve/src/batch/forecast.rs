//! What the scheduler has learned: how long runs take, and how often requests come.

use std::time::{Duration, Instant};

use super::{demand::Demand, latency::LatencyTable, policy::Forecast};

/// What was learned, and what is under way.
#[derive(Debug, Default)]
pub(super) struct Learned {
    latency: LatencyTable,
    arrivals: Arrivals,
    /// Runs that are under way, and when each began.
    under_way: Vec<(Run, Instant)>,
    runs: u64,
}

/// A run that is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    number: u64,
    cost: usize,
}

impl Run {
    pub(super) fn cost(self) -> usize {
        self.cost
    }
}

/// What waits in front of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backlog {
    /// Cost of what is run before it.
    pub(super) ahead: usize,
    /// Cost of a full batch of its kind.
    pub(super) full_batch: usize,
    /// Sessions in all, and those of them that are free.
    pub(super) sessions: usize,
    pub(super) free_sessions: usize,
}

/// How often requests come: a moving average of the time between them.
#[derive(Debug, Default)]
struct Arrivals {
    last: Option<Instant>,
    gap_seconds: Option<f64>,
}

/// Of the average gap that the latest makes up.
const MEMORY: f64 = 0.05;

impl Learned {
    /// Takes note of how long a run took.
    pub(super) fn record(&mut self, cost: usize, took: Duration) {
        self.latency.record(cost, took);
    }

    /// Takes note of a request.
    pub(super) fn arrived(&mut self, now: Instant) {
        self.arrivals.add(now);
    }

    /// How long a run of this cost is expected to take; `None` before the first run.
    pub(super) fn run_time(&mut self, cost: usize) -> Option<Duration> {
        self.latency.predict(cost)
    }

    /// Takes note that a run begins.
    pub(super) fn begin(&mut self, cost: usize, now: Instant) -> Run {
        self.runs += 1;
        let run = Run { number: self.runs, cost };
        self.under_way.push((run, now));
        run
    }

    /// Takes note that a run has ended; `took` if it succeeded.
    pub(super) fn end(&mut self, run: Run, took: Option<Duration>) {
        self.under_way.retain(|(other, _)| other.number != run.number);
        if let Some(took) = took {
            self.record(run.cost, took);
        }
    }

    /// How long a request waits until its run begins; `None` if nobody knows.
    pub(super) fn wait(&mut self, backlog: Backlog, now: Instant) -> Option<Duration> {
        // What fits into its own batch is not in front of it.
        let batches = backlog.ahead / backlog.full_batch.max(1);
        let until_free =
            if backlog.free_sessions > 0 { Duration::ZERO } else { self.until_first_end(now) };
        if batches == 0 {
            return Some(until_free);
        }
        let work = self.run_time(backlog.full_batch)?.mul_f64(batches as f64);
        Some(until_free + work.div_f64(backlog.sessions.max(1) as f64))
    }

    /// How long until one of the runs that are under way ends.
    fn until_first_end(&mut self, now: Instant) -> Duration {
        let latency = &mut self.latency;
        let left = self.under_way.iter().filter_map(|(run, began)| {
            let age = now.saturating_duration_since(*began);
            Some(latency.predict(run.cost)?.saturating_sub(age))
        });
        left.min().unwrap_or_default()
    }

    /// By how much a request would miss its deadline, if it would.
    pub(super) fn misses_by(
        &mut self,
        demand: &Demand,
        backlog: Backlog,
        now: Instant,
    ) -> Option<Duration> {
        let deadline = demand.deadline?;
        let wait = self.wait(backlog, now)?;
        if wait.is_zero() {
            // It would be run at once. What was learned may be outdated, and nothing else would tell.
            return None;
        }
        let end = now + wait + self.run_time(demand.cost)?;
        (end > deadline).then(|| end.saturating_duration_since(deadline))
    }
}

impl Forecast for Learned {
    fn run_seconds(&mut self, cost: usize) -> Option<f64> {
        self.run_time(cost).map(|time| time.as_secs_f64())
    }

    fn gap_seconds(&self, now: Instant) -> Option<f64> {
        let Arrivals { last, gap_seconds } = self.arrivals;
        let silence = now.saturating_duration_since(last?).as_secs_f64();
        Some(gap_seconds?.max(silence))
    }
}

impl Arrivals {
    fn add(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let gap = now.saturating_duration_since(last).as_secs_f64();
            let average = self.gap_seconds.get_or_insert(gap);
            *average += MEMORY * (gap - *average);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn demand(now: Instant, deadline: Option<Duration>) -> Demand {
        Demand {
            rows: 1,
            cost: 1,
            size_bytes: 1,
            arrived: now,
            due: now,
            deadline: deadline.map(|deadline| now + deadline),
        }
    }

    /// A run of one takes 10 ms, of eight 17.
    fn learned() -> Learned {
        let mut learned = Learned::default();
        learned.record(1, 10 * MS);
        learned.record(8, 17 * MS);
        learned
    }

    #[test]
    fn how_long_a_request_waits() {
        let now = Instant::now();
        // ahead, sessions, free, under way for => wait
        for (ahead, sessions, free, under_way, expected) in [
            (0, 1, 1, vec![], Duration::ZERO),
            (7, 1, 1, vec![], Duration::ZERO),
            (8, 1, 1, vec![], 17 * MS),
            (17, 1, 1, vec![], 34 * MS),
            (16, 2, 2, vec![], 17 * MS),
            (0, 1, 0, vec![4 * MS], 6 * MS),
            (9, 1, 0, vec![4 * MS], 23 * MS),
            (0, 2, 0, vec![MS, 9 * MS], MS),
            (0, 1, 0, vec![50 * MS], Duration::ZERO),
        ] {
            let mut learned = learned();
            for age in &under_way {
                learned.begin(1, now - *age);
            }
            let backlog = Backlog { ahead, full_batch: 8, sessions, free_sessions: free };
            let wait = learned.wait(backlog, now).unwrap();
            assert!(wait.abs_diff(expected) < Duration::from_micros(1), "{backlog:?}: {wait:?}");
        }
    }

    #[test]
    fn deadlines_that_cannot_be_met() {
        let now = Instant::now();
        let busy = Backlog { ahead: 8, full_batch: 8, sessions: 1, free_sessions: 0 };
        let mut learned = learned();
        // 17 ms for the batch in front, 10 for its own.
        assert_eq!(learned.misses_by(&demand(now, Some(28 * MS)), busy, now), None);
        let late = learned.misses_by(&demand(now, Some(25 * MS)), busy, now).unwrap();
        assert!(late.abs_diff(2 * MS) < Duration::from_micros(1), "{late:?}");
        assert_eq!(learned.misses_by(&demand(now, None), busy, now), None);
        // An idle session is always tried: a slow past must not refuse everything for ever.
        let idle = Backlog { ahead: 0, full_batch: 8, sessions: 1, free_sessions: 1 };
        assert_eq!(learned.misses_by(&demand(now, Some(MS)), idle, now), None);
        // Nothing is refused on no grounds.
        let deadline = demand(now, Some(MS));
        assert_eq!(Learned::default().misses_by(&deadline, busy, now), None);
    }

    #[test]
    fn runs_that_end_are_no_longer_waited_for() {
        let now = Instant::now();
        let mut learned = learned();
        let run = learned.begin(1, now);
        let backlog = Backlog { ahead: 0, full_batch: 8, sessions: 1, free_sessions: 0 };
        assert_eq!(learned.wait(backlog, now), Some(10 * MS));
        learned.end(run, None);
        assert_eq!(learned.wait(backlog, now), Some(Duration::ZERO));
    }

    #[test]
    fn the_gap_between_requests() {
        let start = Instant::now();
        let mut learned = Learned::default();
        assert_eq!(learned.gap_seconds(start), None);
        for n in 0..200 {
            learned.arrived(start + n * 2 * MS);
        }
        let last = start + 199 * 2 * MS;
        let gap = |at| (learned.gap_seconds(at).unwrap() * 1e3).round();
        assert_eq!(gap(last), 2.0);
        // Silence is news: the next is not to be expected sooner than the silence was long.
        assert_eq!(gap(last + 7 * MS), 7.0);
    }
}

//! When a free session takes a batch: state and time in, decision out.

use std::time::{Duration, Instant};

use super::{observer::Release, options::Waiting, queue::Gathered};

/// Decides when what is queued is run.
#[derive(Debug, Clone)]
pub(super) struct BatchPolicy {
    pub(super) max_batch_size: usize,
    pub(super) max_queue_delay: Duration,
    pub(super) waiting: Waiting,
    /// Ascending.
    pub(super) preferred_batch_sizes: Vec<usize>,
}

/// What a free session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is queued.
    Idle,
    /// Take a batch of up to so many rows from this bucket now.
    Run { bucket: usize, max_rows: usize, release: Release },
    /// Wait until then for more, unless a batch fills before.
    Hold { until: Instant },
}

/// What can be told of the near future.
pub(super) trait Forecast {
    /// How long a run of this cost takes, in seconds; `None` if nobody knows.
    fn run_seconds(&mut self, cost: usize) -> Option<f64>;

    /// Seconds between two requests of all buckets, and since the last; `None` if nobody knows.
    fn gap_seconds(&self, now: Instant) -> Option<f64>;
}

impl BatchPolicy {
    /// Decides by what is gathered, the bucket that is due first first. `closed` says that no more will
    /// come: there is nothing to wait for.
    pub(super) fn decide(
        &self,
        gathered: impl Iterator<Item = Gathered> + Clone,
        closed: bool,
        forecast: &mut impl Forecast,
        now: impl FnOnce() -> Instant,
    ) -> Decision {
        let Some(first) = gathered.clone().next() else {
            return Decision::Idle;
        };
        if closed {
            return self.run(first, Release::Shutdown);
        }
        if self.max_queue_delay.is_zero() {
            return self.run(first, self.reached(first.rows).unwrap_or(Release::SessionFree));
        }
        let now = now();
        let requests = gathered.clone().map(|found| found.requests).sum();
        let mut hold: Option<Instant> = None;
        for found in gathered {
            match self.hold(found, requests, forecast, now) {
                Err(release) => return self.run(found, release),
                Ok(until) => hold = Some(hold.map_or(until, |earlier| earlier.min(until))),
            }
        }
        hold.map_or(Decision::Idle, |until| Decision::Hold { until })
    }

    /// Rows of a batch at most when this many wait: the largest preferred size that is reached, or all.
    pub(super) fn max_rows(&self, rows: usize) -> usize {
        let reached = self.preferred_batch_sizes.iter().rev().find(|size| **size <= rows);
        reached.copied().unwrap_or(self.max_batch_size)
    }

    /// The size that this many rows have reached, if it is one to run at.
    pub(super) fn reached(&self, rows: usize) -> Option<Release> {
        if self.preferred_batch_sizes.first().is_some_and(|least| *least <= rows) {
            return Some(Release::PreferredSize);
        }
        (rows >= self.max_batch_size).then_some(Release::Full)
    }

    fn run(&self, found: Gathered, release: Release) -> Decision {
        Decision::Run { bucket: found.bucket, max_rows: self.max_rows(found.rows), release }
    }

    /// Until when this bucket is worth waiting for, or why it is to be run now.
    fn hold(
        &self,
        found: Gathered,
        requests: usize,
        forecast: &mut impl Forecast,
        now: Instant,
    ) -> Result<Instant, Release> {
        if let Some(release) = self.reached(found.rows) {
            return Err(release);
        }
        let latest = found.oldest + self.max_queue_delay;
        if latest <= now {
            return Err(Release::Delay);
        }
        match self.waiting {
            Waiting::Fixed => Ok(latest),
            Waiting::Learned => {
                let expected = expected(found, requests, forecast, now);
                Ok(expected.ok_or(Release::SessionFree)?.min(latest))
            }
        }
    }
}

/// When the next request for this bucket is expected, if that pays. If it does not come then, waiting
/// pays less: it is decided again.
fn expected(
    found: Gathered,
    requests: usize,
    forecast: &mut impl Forecast,
    now: Instant,
) -> Option<Instant> {
    // The share of all requests that is for this bucket.
    let share = found.requests.max(1) as f64 / requests.max(1) as f64;
    let gap = forecast.gap_seconds(now)? / share;
    if !pays(found, gap, forecast)? {
        return None;
    }
    Some(now + Duration::try_from_secs_f64(gap).ok()?)
}

/// Whether waiting for one more request lowers the sum of all latencies, the next one's included.
///
/// With *n* requests queued, the next expected in *g*, and *L* the time of a run: going now costs
/// *n L(n)* and leaves the next one waiting for the rest of the run and then its own,
/// *max(0, L(n) − g) + L(1)*. Waiting costs *n (g + L(n+1)) + L(n+1)*.
fn pays(found: Gathered, gap: f64, forecast: &mut impl Forecast) -> Option<bool> {
    let waiting = found.requests as f64;
    let one = (found.cost / found.requests.max(1)).max(1);
    let now = forecast.run_seconds(found.cost)?;
    let with_next = forecast.run_seconds(found.cost + one)?;
    let alone = forecast.run_seconds(one)?;
    let go = waiting * now + (now - gap).max(0.0) + alone;
    let wait = waiting * (gap + with_next) + with_next;
    Some(wait < go)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZERO: Duration = Duration::ZERO;
    const MS: Duration = Duration::from_millis(1);

    /// Runs take `fixed` and `each` for every unit of cost; requests come `gap` apart. All in ms.
    #[derive(Clone, Copy)]
    struct Linear {
        fixed: f64,
        each: f64,
        gap: f64,
    }

    impl Forecast for Linear {
        fn run_seconds(&mut self, cost: usize) -> Option<f64> {
            Some((self.fixed + self.each * cost as f64) / 1e3)
        }

        fn gap_seconds(&self, _: Instant) -> Option<f64> {
            Some(self.gap / 1e3)
        }
    }

    /// Knows nothing.
    struct Unknown;

    impl Forecast for Unknown {
        fn run_seconds(&mut self, _: usize) -> Option<f64> {
            None
        }

        fn gap_seconds(&self, _: Instant) -> Option<f64> {
            None
        }
    }

    fn policy(max_queue_delay: Duration) -> BatchPolicy {
        BatchPolicy {
            max_batch_size: 8,
            max_queue_delay,
            waiting: Waiting::Fixed,
            preferred_batch_sizes: Vec::new(),
        }
    }

    fn bucket(bucket: usize, rows: usize, oldest: Instant) -> Gathered {
        Gathered { bucket, requests: rows, rows, cost: rows, oldest }
    }

    #[test]
    fn decisions_of_a_fixed_delay() {
        let now = Instant::now() + 10 * MS;
        use Release::{Delay, Full, SessionFree, Shutdown};
        let run = |bucket, release| Decision::Run { bucket, max_rows: 8, release };
        let hold = |left: Duration| Decision::Hold { until: now + left };
        let bucket = |number, rows, age| bucket(number, rows, now - age);
        // delay, buckets (rows and age of the oldest), closed => decision
        for (delay, buckets, closed, expected) in [
            (ZERO, vec![], false, Decision::Idle),
            (ZERO, vec![], true, Decision::Idle),
            (ZERO, vec![bucket(3, 1, ZERO)], false, run(3, SessionFree)),
            (ZERO, vec![bucket(3, 1, ZERO)], true, run(3, Shutdown)),
            (ZERO, vec![bucket(3, 1, ZERO), bucket(0, 8, MS)], false, run(3, SessionFree)),
            (ZERO, vec![bucket(0, 8, MS), bucket(3, 1, ZERO)], false, run(0, Full)),
            (5 * MS, vec![], false, Decision::Idle),
            (5 * MS, vec![bucket(0, 1, ZERO)], false, hold(5 * MS)),
            (5 * MS, vec![bucket(0, 7, 4 * MS)], false, hold(MS)),
            (5 * MS, vec![bucket(0, 7, 5 * MS)], false, run(0, Delay)),
            (5 * MS, vec![bucket(0, 7, 9 * MS)], false, run(0, Delay)),
            (5 * MS, vec![bucket(0, 8, ZERO)], false, run(0, Full)),
            (5 * MS, vec![bucket(0, 99, ZERO)], false, run(0, Full)),
            (5 * MS, vec![bucket(0, 1, ZERO)], true, run(0, Shutdown)),
            // A request without rows waits like any other.
            (5 * MS, vec![bucket(0, 0, 4 * MS)], false, hold(MS)),
            // One bucket waits while another is full, or waits longer.
            (5 * MS, vec![bucket(0, 1, MS), bucket(1, 8, ZERO)], false, run(1, Full)),
            (5 * MS, vec![bucket(0, 1, MS), bucket(1, 1, 3 * MS)], false, hold(2 * MS)),
            (5 * MS, vec![bucket(0, 1, 6 * MS), bucket(1, 8, ZERO)], false, run(0, Delay)),
        ] {
            let gathered = buckets.iter().copied();
            let decision = policy(delay).decide(gathered, closed, &mut Unknown, || now);
            assert_eq!(decision, expected, "{delay:?} {buckets:?} {closed}");
        }
    }

    #[test]
    fn preferred_sizes_are_run_as_soon_as_they_are_reached() {
        let now = Instant::now() + 10 * MS;
        let preferring = |delay| BatchPolicy { preferred_batch_sizes: vec![2, 4], ..policy(delay) };
        use Release::{Delay, PreferredSize, SessionFree};
        let run = |max_rows, release| Decision::Run { bucket: 0, max_rows, release };
        for (delay, rows, age, expected) in [
            (ZERO, 1, ZERO, run(8, SessionFree)),
            (ZERO, 3, ZERO, run(2, PreferredSize)),
            (5 * MS, 1, MS, Decision::Hold { until: now + 4 * MS }),
            (5 * MS, 1, 5 * MS, run(8, Delay)),
            (5 * MS, 2, ZERO, run(2, PreferredSize)),
            (5 * MS, 3, ZERO, run(2, PreferredSize)),
            (5 * MS, 7, ZERO, run(4, PreferredSize)),
            (5 * MS, 8, ZERO, run(4, PreferredSize)),
        ] {
            let gathered = [bucket(0, rows, now - age)];
            let decision =
                preferring(delay).decide(gathered.into_iter(), false, &mut Unknown, || now);
            assert_eq!(decision, expected, "{delay:?} {rows} {age:?}");
        }
    }

    #[test]
    fn learned_waiting() {
        let now = Instant::now() + 10 * MS;
        let learned = BatchPolicy { waiting: Waiting::Learned, ..policy(5 * MS) };
        let run = |release| Decision::Run { bucket: 0, max_rows: 8, release };
        let hold =
            |millis: f64| Decision::Hold { until: now + Duration::from_secs_f64(millis / 1e3) };
        // A run of ten milliseconds whatever its size, and of one millisecond a row.
        let flat = |gap| Linear { fixed: 10.0, each: 0.0, gap };
        let steep = |gap| Linear { fixed: 0.0, each: 1.0, gap };
        for (forecast, rows, age, expected) in [
            // The next comes soon, and a run costs the same with it: wait until it is expected.
            (flat(1.0), 1, ZERO, hold(1.0)),
            (flat(1.0), 3, ZERO, hold(1.0)),
            // Not when it comes late: at low load nobody waits.
            (flat(30.0), 1, ZERO, run(Release::SessionFree)),
            // Not when many would wait for one.
            (flat(4.0), 7, ZERO, run(Release::SessionFree)),
            // Not when a batch saves nothing.
            (steep(0.5), 1, ZERO, run(Release::SessionFree)),
            (steep(0.5), 3, ZERO, run(Release::SessionFree)),
            // Never longer than the delay.
            (flat(3.0), 1, 4 * MS, hold(1.0)),
            (flat(1.0), 1, 5 * MS, run(Release::Delay)),
            (flat(1.0), 8, ZERO, run(Release::Full)),
        ] {
            let gathered = [bucket(0, rows, now - age)];
            let decision = learned.decide(gathered.into_iter(), false, &mut { forecast }, || now);
            assert_eq!(decision, expected, "gap {} {rows} {age:?}", forecast.gap);
        }
        // What nobody knows is not waited for.
        let gathered = [bucket(0, 1, now)];
        let decision = learned.decide(gathered.into_iter(), false, &mut Unknown, || now);
        assert_eq!(decision, run(Release::SessionFree));
    }

    #[test]
    fn without_a_delay_the_time_is_not_asked_for() {
        let gathered = [bucket(0, 1, Instant::now())];
        let decision =
            policy(ZERO).decide(gathered.into_iter(), false, &mut Unknown, || panic!("asked"));
        let release = Release::SessionFree;
        assert_eq!(decision, Decision::Run { bucket: 0, max_rows: 8, release });
    }

    proptest! {
        /// Whatever is queued and forecast: nothing waits beyond the delay, and a decision is made.
        #[test]
        fn nothing_waits_beyond_the_delay(
            ages in prop::collection::vec((0_u32..10, 0_usize..12), 1..6),
            fixed in 0.0..20.0_f64, each in 0.0..5.0_f64, gap in 0.001..50.0_f64,
            learn: bool,
        ) {
            let now = Instant::now() + 100 * MS;
            let waiting = if learn { Waiting::Learned } else { Waiting::Fixed };
            let policy = BatchPolicy { waiting, ..policy(5 * MS) };
            let buckets: Vec<_> = ages
                .iter()
                .enumerate()
                .map(|(number, (age, rows))| bucket(number, *rows, now - *age * MS))
                .collect();
            let mut forecast = Linear { fixed, each, gap };
            match policy.decide(buckets.iter().copied(), false, &mut forecast, || now) {
                Decision::Idle => prop_assert!(false, "idle with requests queued"),
                Decision::Run { bucket, .. } => prop_assert!(bucket < buckets.len()),
                Decision::Hold { until } => {
                    prop_assert!(until > now || learn);
                    for found in &buckets {
                        prop_assert!(until <= found.oldest + 5 * MS);
                        prop_assert!(found.rows < 8);
                    }
                }
            }
        }
    }
}

//! When a free session takes a batch: state and time in, decision out.

use std::time::{Duration, Instant};

use super::queue::Gathered;

/// Decides when what is queued is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchPolicy {
    pub(super) max_batch_size: usize,
    pub(super) max_queue_delay: Duration,
}

/// What a free session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is queued.
    Idle,
    /// Take a batch from this bucket now.
    Run { bucket: usize },
    /// Wait until then for more, unless a batch fills before.
    Hold { until: Instant },
}

impl BatchPolicy {
    /// Decides by what is gathered, the bucket that is due first first. `closed` says that no more will
    /// come: there is nothing to wait for.
    pub(super) fn decide(
        &self,
        gathered: impl Iterator<Item = Gathered>,
        closed: bool,
        now: impl FnOnce() -> Instant,
    ) -> Decision {
        let mut gathered = gathered.peekable();
        let Some(first) = gathered.peek() else {
            return Decision::Idle;
        };
        if self.max_queue_delay.is_zero() || closed {
            return Decision::Run { bucket: first.bucket };
        }
        let (now, mut hold) = (now(), None);
        for Gathered { bucket, rows, oldest } in gathered {
            let until = oldest + self.max_queue_delay;
            if rows >= self.max_batch_size || until <= now {
                return Decision::Run { bucket };
            }
            hold = Some(hold.map_or(until, |earlier: Instant| earlier.min(until)));
        }
        hold.map_or(Decision::Idle, |until| Decision::Hold { until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Duration = Duration::ZERO;
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn decisions() {
        let start = Instant::now();
        let now = start + 10 * MS;
        let run = |bucket| Decision::Run { bucket };
        let hold = |left: Duration| Decision::Hold { until: now + left };
        let bucket = |bucket, rows, age| Gathered { bucket, rows, oldest: now - age };
        // delay, buckets (rows and age of the oldest), closed => decision
        for (delay, buckets, closed, expected) in [
            (ZERO, vec![], false, Decision::Idle),
            (ZERO, vec![], true, Decision::Idle),
            (ZERO, vec![bucket(3, 1, ZERO)], false, run(3)),
            (ZERO, vec![bucket(3, 1, ZERO), bucket(0, 8, MS)], false, run(3)),
            (5 * MS, vec![], false, Decision::Idle),
            (5 * MS, vec![bucket(0, 1, ZERO)], false, hold(5 * MS)),
            (5 * MS, vec![bucket(0, 7, 4 * MS)], false, hold(MS)),
            (5 * MS, vec![bucket(0, 7, 5 * MS)], false, run(0)),
            (5 * MS, vec![bucket(0, 7, 9 * MS)], false, run(0)),
            (5 * MS, vec![bucket(0, 8, ZERO)], false, run(0)),
            (5 * MS, vec![bucket(0, 99, ZERO)], false, run(0)),
            (5 * MS, vec![bucket(0, 1, ZERO)], true, run(0)),
            // A request without rows waits like any other.
            (5 * MS, vec![bucket(0, 0, 4 * MS)], false, hold(MS)),
            // One bucket waits while another is full, or waits longer.
            (5 * MS, vec![bucket(0, 1, MS), bucket(1, 8, ZERO)], false, run(1)),
            (5 * MS, vec![bucket(0, 1, MS), bucket(1, 1, 3 * MS)], false, hold(2 * MS)),
            (5 * MS, vec![bucket(0, 1, 6 * MS), bucket(1, 8, ZERO)], false, run(0)),
        ] {
            let policy = BatchPolicy { max_batch_size: 8, max_queue_delay: delay };
            let decision = policy.decide(buckets.iter().copied(), closed, || now);
            assert_eq!(decision, expected, "{delay:?} {buckets:?} {closed}");
        }
    }

    #[test]
    fn without_a_delay_the_time_is_not_asked_for() {
        let policy = BatchPolicy { max_batch_size: 8, max_queue_delay: Duration::ZERO };
        let gathered = [Gathered { bucket: 0, rows: 1, oldest: Instant::now() }];
        let decision = policy.decide(gathered.into_iter(), false, || panic!("asked"));
        assert_eq!(decision, Decision::Run { bucket: 0 });
    }
}

//! When a free session takes a batch: state and time in, decision out.

use std::time::{Duration, Instant};

/// Decides when what is queued is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchPolicy {
    pub(super) max_batch_size: usize,
    pub(super) max_queue_delay: Duration,
}

/// What is queued, in front of a free session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queued {
    /// Rows of all requests together.
    pub(super) rows: usize,
    /// When the oldest request came; `None` if the queue is empty.
    pub(super) oldest: Option<Instant>,
    /// No more will come: there is nothing to wait for.
    pub(super) closed: bool,
}

/// What a free session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is queued.
    Idle,
    /// Take a batch now.
    Run,
    /// Wait until then for more, unless the batch fills before.
    Hold { until: Instant },
}

impl BatchPolicy {
    pub(super) fn decide(&self, queued: Queued, now: impl FnOnce() -> Instant) -> Decision {
        let Some(oldest) = queued.oldest else {
            return Decision::Idle;
        };
        if self.max_queue_delay.is_zero() || queued.closed || queued.rows >= self.max_batch_size {
            return Decision::Run;
        }
        let until = oldest + self.max_queue_delay;
        if until <= now() { Decision::Run } else { Decision::Hold { until } }
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
        let hold = Decision::Hold { until: start + 5 * MS };
        // delay, rows, age of the oldest, closed => decision
        for (delay, rows, age, closed, expected) in [
            (ZERO, 0, None, false, Decision::Idle),
            (ZERO, 0, None, true, Decision::Idle),
            (ZERO, 1, Some(ZERO), false, Decision::Run),
            (5 * MS, 0, None, false, Decision::Idle),
            (5 * MS, 1, Some(ZERO), false, hold),
            (5 * MS, 7, Some(4 * MS), false, hold),
            (5 * MS, 7, Some(5 * MS), false, Decision::Run),
            (5 * MS, 7, Some(9 * MS), false, Decision::Run),
            (5 * MS, 8, Some(ZERO), false, Decision::Run),
            (5 * MS, 99, Some(ZERO), false, Decision::Run),
            (5 * MS, 1, Some(ZERO), true, Decision::Run),
            // A request without rows waits like any other.
            (5 * MS, 0, Some(4 * MS), false, hold),
        ] {
            let policy = BatchPolicy { max_batch_size: 8, max_queue_delay: delay };
            let queued = Queued { rows, oldest: age.map(|_| start), closed };
            let now = start + age.unwrap_or_default();
            assert_eq!(policy.decide(queued, || now), expected, "{delay:?} {queued:?} {age:?}");
        }
    }

    #[test]
    fn without_a_delay_the_time_is_not_asked_for() {
        let policy = BatchPolicy { max_batch_size: 8, max_queue_delay: Duration::ZERO };
        let queued = Queued { rows: 1, oldest: Some(Instant::now()), closed: false };
        assert_eq!(policy.decide(queued, || panic!("asked")), Decision::Run);
    }
}

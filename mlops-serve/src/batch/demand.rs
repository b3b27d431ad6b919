//! What a request asks of the scheduler.

use std::time::Instant;

use super::{bucket::BucketKey, options::PriorityOptions};

/// What scheduling needs to know of a request, and all it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    /// Rows along axis 0; 1 if the model is not batched.
    pub(super) rows: usize,
    /// What it takes to run: its rows, each counted as often as its free axes are long.
    pub(super) cost: usize,
    /// Bytes of its inputs.
    pub(super) size_bytes: usize,
    /// When it came.
    pub(super) arrived: Instant,
    /// When it should be run: the order in which requests are.
    pub(super) due: Instant,
    /// When its answer is no longer of use.
    pub(super) deadline: Option<Instant>,
}

impl Demand {
    /// True if an answer would come too late.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// Something that waits to be run.
pub(super) trait Waits {
    fn demand(&self) -> &Demand;
    fn key(&self) -> &BucketKey;
}

impl PriorityOptions {
    /// When a request that came at `arrived` should be run.
    ///
    /// Each level of priority waits `aging` longer than the one above it. So a request of level 3 that
    /// has waited twice that long stands where one of level 1 stands that comes now: whatever comes,
    /// nothing waits for ever. A deadline makes it due earlier, never later.
    pub(super) fn due(self, arrived: Instant, priority: u32, deadline: Option<Instant>) -> Instant {
        let level = if priority == 0 { self.default_level } else { priority };
        let patience = self.aging * (level.clamp(1, self.levels.max(1)) - 1);
        let by_priority = arrived + patience;
        deadline.map_or(by_priority, |deadline| by_priority.min(deadline))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn due_times() {
        let start = Instant::now();
        let urgency = PriorityOptions::new(3, 2).with_aging(10 * MS);
        let flat = PriorityOptions::new(1, 1).with_aging(10 * MS);
        // levels, priority, deadline => due
        for (urgency, priority, deadline, due) in [
            (urgency, 1, None, Duration::ZERO),
            (urgency, 2, None, 10 * MS),
            (urgency, 0, None, 10 * MS),
            (urgency, 3, None, 20 * MS),
            (urgency, 99, None, 20 * MS),
            (urgency, 3, Some(15 * MS), 15 * MS),
            (urgency, 3, Some(90 * MS), 20 * MS),
            (urgency, 1, Some(90 * MS), Duration::ZERO),
            (flat, 0, None, Duration::ZERO),
            (flat, 7, None, Duration::ZERO),
        ] {
            let deadline = deadline.map(|deadline| start + deadline);
            let found = urgency.due(start, priority, deadline);
            assert_eq!(found - start, due, "{urgency:?} {priority} {deadline:?}");
        }
    }
}

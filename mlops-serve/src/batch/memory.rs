//! How large batches may be on a device that ran out of memory.

/// A limit on the cost of a batch that running out of memory halves and success raises again: additive
/// increase, multiplicative decrease.
#[derive(Debug, Default)]
pub(super) struct MemoryLimit {
    /// `None` until memory ran out.
    limit: Option<usize>,
    /// What a batch cost that ran out of memory last: there is nothing to win beyond it.
    failed: usize,
    successes: u32,
}

/// Batches near the limit that must succeed before it is raised.
const SUCCESSES: u32 = 32;

impl MemoryLimit {
    /// What a batch may cost at most.
    pub(super) fn max_cost(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    /// Takes note of a batch that ran out of memory.
    pub(super) fn ran_out(&mut self, cost: usize) {
        self.failed = cost;
        self.limit = Some((cost / 2).max(1));
        self.successes = 0;
    }

    /// Takes note of a batch that did not.
    pub(super) fn succeeded(&mut self, cost: usize) {
        let Some(limit) = self.limit else {
            return;
        };
        if cost.saturating_mul(2) < limit {
            return;
        }
        self.successes += 1;
        if self.successes >= SUCCESSES {
            self.successes = 0;
            let raised = limit + (self.failed / 16).max(1);
            // Past what failed, whatever had taken the memory is gone.
            self.limit = (raised <= self.failed).then_some(raised);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_and_comes_back_step_by_step() {
        let mut memory = MemoryLimit::default();
        memory.succeeded(1000);
        assert_eq!(memory.max_cost(), usize::MAX);
        memory.ran_out(64);
        assert_eq!(memory.max_cost(), 32);
        memory.ran_out(32);
        assert_eq!(memory.max_cost(), 16);
        // Small batches prove nothing.
        (0..1000).for_each(|_| memory.succeeded(7));
        assert_eq!(memory.max_cost(), 16);
        (0..SUCCESSES).for_each(|_| memory.succeeded(16));
        assert_eq!(memory.max_cost(), 18);
        (0..SUCCESSES * 7).for_each(|_| memory.succeeded(32));
        assert_eq!(memory.max_cost(), 32);
        (0..SUCCESSES).for_each(|_| memory.succeeded(32));
        assert_eq!(memory.max_cost(), usize::MAX);
        memory.ran_out(1);
        assert_eq!(memory.max_cost(), 1);
    }
}

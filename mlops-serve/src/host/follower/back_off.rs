//! [`BackOff`]: how long to wait after failures.

use std::time::Duration;

use mlops_core::random::RandomKey;

/// Waits that double with every failure in a row, up to a bound, each shortened at random by up to
/// one half so that many followers of one registry do not come back at once.
#[derive(Debug, Clone)]
pub(super) struct BackOff {
    first: Duration,
    longest: Duration,
    random: RandomKey,
    /// Failures in a row.
    failures: u32,
    /// Waits so far, which address the randomness.
    waits: u64,
}

impl BackOff {
    pub(super) fn new(first: Duration, longest: Duration, random: RandomKey) -> Self {
        Self { first, longest, random, failures: 0, waits: 0 }
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Forgets all failures.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one more failure.
    pub(super) fn fail(&mut self) -> Duration {
        let doubled = 2_u32.checked_pow(self.failures).and_then(|by| self.first.checked_mul(by));
        let wait = doubled.unwrap_or(Duration::MAX).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        self.waits += 1;
        wait.mul_f64(1.0 - 0.5 * self.random.stream(self.waits).next_unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_start_over() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut back_off = BackOff::new(first, longest, RandomKey::from_seed(1));
        for round in 0..2 {
            for failure in 0..100 {
                let full = first.saturating_mul(1 << failure.min(20)).min(longest);
                let wait = back_off.fail();
                assert!(wait <= full && wait >= full / 2, "{round} {failure}: {wait:?}");
            }
            assert_eq!(back_off.failures(), 100);
            back_off.reset();
        }
    }

    #[test]
    fn two_followers_do_not_wait_alike() {
        let waits = |seed| {
            let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
            let mut back_off = BackOff::new(first, longest, RandomKey::from_seed(seed));
            (0..5).map(|_| back_off.fail()).collect::<Vec<_>>()
        };
        assert_ne!(waits(1), waits(2));
        assert_eq!(waits(1), waits(1));
    }
}

//! [`RetryBudget`]: how much of the traffic may be retries. Pure.

use std::time::Instant;

use super::options::BalanceOptions;

/// Retries that may still be sent. It grows with requests and with time, up to a limit, so that
/// retries are never more than a share of the traffic: where everything fails, they must not double
/// the load.
#[derive(Debug)]
pub(super) struct RetryBudget {
    retries: f64,
    limit: f64,
    ratio: f64,
    per_second: f64,
    requests: u64,
    updated: Instant,
}

/// How long what was not used is kept, in seconds of the guaranteed retries, and in requests.
const KEPT_SECONDS: f64 = 10.0;
const KEPT_REQUESTS: f64 = 100.0;

impl RetryBudget {
    pub(super) fn new(options: &BalanceOptions, now: Instant) -> Self {
        let positive = |value: f64| if value.is_finite() { value.max(0.0) } else { 0.0 };
        let (ratio, per_second) =
            (positive(options.retry_ratio), positive(options.min_retries_per_second));
        let limit = KEPT_SECONDS * per_second + KEPT_REQUESTS * ratio;
        // One second's worth to begin with.
        Self { retries: per_second, limit, ratio, per_second, requests: 0, updated: now }
    }

    /// Takes a retry, if there is one; `requests` have been sent so far, retries not counted.
    pub(super) fn take(&mut self, requests: u64, now: Instant) -> bool {
        let new_requests = requests.saturating_sub(self.requests) as f64;
        let seconds = now.saturating_duration_since(self.updated).as_secs_f64();
        let grown = self.retries + new_requests * self.ratio + seconds * self.per_second;
        self.retries = grown.min(self.limit);
        self.requests = self.requests.max(requests);
        self.updated = self.updated.max(now);
        if self.retries < 1.0 {
            return false;
        }
        self.retries -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn budget(ratio: f64, per_second: f64) -> (RetryBudget, Instant) {
        let now = Instant::now();
        let options = BalanceOptions::default().with_retry_budget(ratio, per_second);
        (RetryBudget::new(&options, now), now)
    }

    fn taken(budget: &mut RetryBudget, requests: u64, now: Instant) -> usize {
        (0..10_000).take_while(|_| budget.take(requests, now)).count()
    }

    #[test]
    fn retries_are_a_share_of_requests_plus_some_a_second() {
        let (mut few, now) = budget(0.2, 2.0);
        assert_eq!(taken(&mut few, 0, now), 2, "to begin with");
        assert_eq!(taken(&mut few, 50, now), 10);
        assert_eq!(taken(&mut few, 50, now), 0);
        assert_eq!(taken(&mut few, 50, now + Duration::from_secs(1)), 2);
        assert_eq!(taken(&mut few, 55, now + Duration::from_secs(2)), 3);
    }

    #[test]
    fn what_is_not_used_does_not_pile_up() {
        let (mut budget, now) = budget(0.2, 2.0);
        assert_eq!(taken(&mut budget, 1_000_000, now + Duration::from_secs(1000)), 40);
    }

    #[test]
    fn where_everything_fails_retries_stay_a_share() {
        let (mut budget, now) = budget(0.2, 0.0);
        let retried = (1..=10_000).filter(|requests| budget.take(*requests, now)).count();
        assert!((1990..=2010).contains(&retried), "{retried}");
    }

    #[test]
    fn numbers_that_make_no_sense_allow_nothing() {
        for (ratio, per_second) in [(0.0, 0.0), (-1.0, f64::NAN), (f64::INFINITY, -1.0)] {
            let (mut budget, now) = budget(ratio, per_second);
            assert_eq!(taken(&mut budget, 1000, now + Duration::from_secs(9)), 0);
        }
    }
}

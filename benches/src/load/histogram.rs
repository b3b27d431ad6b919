//! [`Latencies`].

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;

/// The longest latency told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(600);

/// A distribution of latencies in fixed memory: every one is kept to three digits, from a
/// nanosecond to ten minutes (Tene's HDR histogram).
#[derive(Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        Self(Histogram::new_with_bounds(1, longest, 3).expect("the bounds are in order"))
    }
}

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.0 += &other.0;
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share of all does not exceed; zero if there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.0.mean() as u64)
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::random::RandomKey;

    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_figures() {
        let mut random = RandomKey::from_seed(5).stream(0);
        // Over nine decades, so that a unit or a bound gone wrong shows.
        let mut figures: Vec<u64> =
            (0..10_000).map(|_| 10_f64.powf(random.next_unit() * 9.0) as u64).collect();
        let mut latencies = Latencies::default();
        figures.iter().for_each(|nanos| latencies.record(Duration::from_nanos(*nanos)));
        figures.sort_unstable();
        for share in [0.01, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = figures[(share * figures.len() as f64).ceil() as usize - 1] as f64;
            let kept = latencies.quantile(share).as_nanos() as f64;
            assert!((kept / exact - 1.0).abs() < 2e-3, "{share}: {kept} for {exact}");
        }
        assert_eq!(latencies.count(), 10_000);
    }

    #[test]
    fn a_merge_is_as_if_all_had_been_added_to_one() {
        let (mut one, mut other, mut both) = <(Latencies, Latencies, Latencies)>::default();
        let mut random = RandomKey::from_seed(6).stream(0);
        for n in 0..1000 {
            let latency = Duration::from_nanos(random.next_below(1 << 30));
            if n % 3 == 0 { &mut one } else { &mut other }.record(latency);
            both.record(latency);
        }
        one.merge(&other);
        assert_eq!(one.0, both.0);
        assert!(one.count() == 1000 && one.max() == both.max() && one.mean() == both.mean());
    }

    #[test]
    fn what_is_longer_than_the_longest_counts_as_that() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::MAX);
        assert_eq!(latencies.count(), 1);
        assert!(latencies.max() >= LONGEST);
    }
}

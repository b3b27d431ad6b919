//! [`LatencyHistogram`].

use std::time::Duration;

use mlops_core::{
    Error, Result,
    stats::{Interval, binomial},
};
use serde::{Deserialize, Serialize};

use crate::performance::confusion::check_counts;

/// Where bins begin, in seconds, and how much wider each is than the one before.
const LEAST: f64 = 1e-6;
const GROWTH: f64 = 1.02;
/// One bin for what is shorter than the least, 1112 up to an hour and a bit, one for what is longer.
pub(super) const BINS: usize = 1114;

/// How many requests took how long, in constant memory (9 KB).
///
/// Bins grow by 2 %, from a microsecond to 61 minutes, so that a quantile is within 1 % of that of the
/// latencies themselves; what is shorter or longer is taken for these ends. Two histograms
/// [merge](Self::merge) by adding counts, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Box<[u64]>", into = "Box<[u64]>")]
pub struct LatencyHistogram {
    counts: Box<[u64]>,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { counts: vec![0; BINS].into() }
    }
}

impl LatencyHistogram {
    /// Counts a request.
    pub fn observe(&mut self, latency: Duration) {
        let count = &mut self.counts[bin(latency)];
        *count = count.saturating_add(1);
    }

    /// Adds the requests of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// How many requests there are.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The quantile `p`, in seconds: the smallest latency that at least a share `p` of the requests does
    /// not exceed (definition 1 of Hyndman and Fan 1996), within 1 %; `None` without requests.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `p` is not in `[0, 1]`.
    pub fn quantile(&self, p: f64) -> Result<Option<f64>> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::invalid("quantile", format_args!("{p} is not in [0, 1]")));
        }
        let requests = self.requests();
        let rank = ((p * requests as f64).ceil() as u64).clamp(1, requests.max(1));
        Ok(self.at_rank(rank).map(|Interval { low, high }| match (low, high) {
            (0.0, high) => high,
            (low, f64::INFINITY) => low,
            // No more than 1 % from either end of the bin.
            _ => 2.0 * low * high / (low + high),
        }))
    }

    /// Where the quantile `p` of what was sampled is, in seconds: between two of the requests, whose ranks
    /// are such that fewer than the one, or as many as the other, are below it with a probability of at
    /// most half of `1 - confidence`, by the binomial distribution (David and Nagaraja 2003, "Order
    /// statistics", §7.1), and out to the ends of their bins. It holds whatever the distribution. `None` of
    /// an end is one for which there are too few requests.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless `p` and the confidence are between 0 and 1.
    pub fn quantile_bounds(&self, p: f64, confidence: f64) -> Result<(Option<f64>, Option<f64>)> {
        for (what, share) in [("quantile", p), ("confidence", confidence)] {
            if !(share > 0.0 && share < 1.0) {
                return Err(Error::invalid(what, format_args!("{share} is not between 0 and 1")));
            }
        }
        let tail = 0.5 * (1.0 - confidence);
        let requests = self.requests();
        // Fewer than `rank` are below: rises with the rank. As many as `rank` are: falls.
        let fewer = |rank: u64| binomial::cdf(rank - 1, requests, p) <= tail;
        let as_many = |rank: u64| binomial::sf(rank - 1, requests, p) <= tail;
        let low = first(requests, |rank| !fewer(rank)).saturating_sub(1);
        let high = first(requests, as_many);
        let low = self.at_rank(low).map(|bin| bin.low);
        // Nothing is known of how long a request in the last bin took.
        let high = self.at_rank(high).map(|bin| bin.high).filter(|high| high.is_finite());
        Ok((low, high))
    }

    /// The bin of the request with this rank, from 1.
    fn at_rank(&self, rank: u64) -> Option<Interval> {
        let mut left = rank.checked_sub(1)?;
        let bin = self.counts.iter().position(|count| {
            let here = left < *count;
            left = left.saturating_sub(*count);
            here
        })?;
        let end = |bin: usize| LEAST * GROWTH.powi(i32::try_from(bin).unwrap_or(i32::MAX));
        let low = if bin == 0 { 0.0 } else { end(bin - 1) };
        let high = if bin == BINS - 1 { f64::INFINITY } else { end(bin) };
        Some(Interval { low, high })
    }
}

/// The first rank from 1 on for which it holds, as for all after it; one more than there are if for none.
fn first(requests: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (1, requests.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The bin of a latency.
pub(super) fn bin(latency: Duration) -> usize {
    let place = (latency.as_secs_f64() / LEAST).ln() / GROWTH.ln();
    // Of no time at all the logarithm is -∞, which the conversion takes to 0, as all below the least.
    ((place + 1.0) as usize).min(BINS - 1)
}

impl TryFrom<Box<[u64]>> for LatencyHistogram {
    type Error = Error;

    fn try_from(counts: Box<[u64]>) -> Result<Self> {
        if counts.len() != BINS {
            let reason = format!("{} bins instead of {BINS}", counts.len());
            return Err(Error::invalid("latency histogram", reason));
        }
        check_counts("latency histogram", &counts)?;
        Ok(Self { counts })
    }
}

impl From<LatencyHistogram> for Box<[u64]> {
    fn from(histogram: LatencyHistogram) -> Self {
        histogram.counts
    }
}

//! [`Panes`]: pairs by the time of their prediction.

use std::{collections::BTreeMap, time::Duration};

use mlops_core::{Result, timestamp::Timestamp};

use super::metrics::PerformanceMetrics;

/// Metrics of equal stretches of time, the latest ones.
#[derive(Debug)]
pub(super) struct Panes {
    /// In microseconds; positive.
    length: i64,
    max: usize,
    empty: PerformanceMetrics,
    panes: BTreeMap<Timestamp, PerformanceMetrics>,
}

impl Panes {
    pub(super) fn new(length: Duration, max: usize, empty: PerformanceMetrics) -> Self {
        let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1);
        Self { length, max, empty, panes: BTreeMap::new() }
    }

    /// The pane of this time, which pushes out the oldest if there are too many; `None` if it would be the
    /// oldest itself.
    pub(super) fn at(&mut self, time: Timestamp) -> Option<&mut PerformanceMetrics> {
        // The first stretch of all begins before the range of times.
        let start = time.as_micros().div_euclid(self.length).saturating_mul(self.length);
        let start = Timestamp::from_micros(start);
        if !self.panes.contains_key(&start) && self.panes.len() >= self.max {
            let oldest = *self.panes.first_key_value()?.0;
            if start < oldest {
                return None;
            }
            self.panes.pop_first();
        }
        Some(self.panes.entry(start).or_insert_with(|| self.empty.clone()))
    }

    /// Where each begins, and its metrics, by rising time.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, &PerformanceMetrics)> {
        self.panes.iter().map(|(start, metrics)| (*start, metrics))
    }

    /// All panes that end after this time.
    pub(super) fn since(&self, time: Timestamp) -> Result<PerformanceMetrics> {
        let mut sum = self.empty.clone();
        for (start, pane) in &self.panes {
            if start.as_micros().saturating_add(self.length) > time.as_micros() {
                sum.merge(pane)?;
            }
        }
        Ok(sum)
    }
}

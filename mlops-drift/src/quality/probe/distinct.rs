//! [`DistinctProbe`]: how many different values are there?

use super::{KeySet, Offer, Outcome, Verdict, View, hash::key, types::SeenTypes};
use crate::quality::Range;

/// Counts different values, up to a limit.
#[derive(Debug, Clone)]
pub(in crate::quality) struct DistinctProbe {
    range: Range,
    limit: usize,
    keys: KeySet,
    rows: u64,
    types: SeenTypes,
}

impl DistinctProbe {
    pub(super) fn new(range: Range, limit: usize) -> Self {
        Self { range, limit, keys: KeySet::new(limit), rows: 0, types: SeenTypes::default() }
    }

    pub(super) fn observe(&mut self, view: &View<'_>) {
        let values = view.columns[0];
        if !values.is_empty() {
            self.types.see(view.columns.iter(), view.first_row);
        }
        for row in 0..values.len() {
            if let Some(key) = key(values, row) {
                self.rows += 1;
                self.keys.offer(key, 0);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.keys.raise_to(&other.keys);
        for (key, row) in other.keys.iter() {
            // Whether it is new does not matter.
            let _: Offer = self.keys.offer(key, row);
        }
        self.rows += other.rows;
        self.types.merge(&other.types);
    }

    pub(super) fn outcome(&self) -> Outcome {
        if let Some(reason) = self.types.changed() {
            return Outcome::error(reason, self.rows);
        }
        if self.rows == 0 {
            return Outcome::insufficient("there are no values", 0);
        }
        let (low, high) = self.range.integers();
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let observed = self.keys.estimate();
        if self.keys.is_complete() {
            let count = whole(self.keys.len());
            return Outcome::judged(low <= count && count <= high, observed, self.rows);
        }
        // There are more than the limit, for certain, and no more than there are rows.
        let detail = format!("more than {} (`max_keys`), and about {observed:.0}", self.limit);
        let most = i64::try_from(self.rows).unwrap_or(i64::MAX);
        let verdict = if high <= whole(self.limit) || most < low {
            Verdict::Failed
        } else if low <= whole(self.limit).saturating_add(1) && most <= high {
            Verdict::Passed
        } else {
            Verdict::Insufficient(format!("there are {detail}"))
        };
        Outcome { detail: Some(detail), ..Outcome::new(verdict, Some(observed), self.rows) }
    }
}

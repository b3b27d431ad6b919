//! [`Counter`]: counts of categories in bounded memory.

use std::collections::HashMap;

use crate::{compare::CategoryCounts, profile::Categories};

/// Rows of each category of a column; of a column with too many, the categories that can be frequent.
///
/// Up to `max` categories are counted exactly. The algorithm of Misra and Gries (1982, "Finding repeated
/// elements") goes on from there: a row of one that there is no more room for takes a row off each of the
/// others, and those that have none left make room. A count is then too small by at most the number of
/// times that happened, [`cut`](Self::cut), which is at most `rows / max`: no category with more rows is lost.
#[derive(Debug)]
pub(super) struct Counter {
    counts: HashMap<Box<str>, u64>,
    max: usize,
    cut: u64,
    /// Rows of texts too long to be the name of a category.
    long: u64,
    nulls: u64,
}

impl Counter {
    pub(super) fn new(max: usize) -> Self {
        Self { counts: HashMap::new(), max, cut: 0, long: 0, nulls: 0 }
    }

    pub(super) fn add(&mut self, category: &str) {
        if let Some(count) = self.counts.get_mut(category) {
            *count += 1;
        } else if category.len() > Categories::MAX_NAME_BYTES {
            self.long += 1;
        } else if self.counts.len() < self.max {
            self.counts.insert(category.into(), 1);
        } else {
            self.cut += 1;
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    pub(super) fn add_nulls(&mut self, rows: u64) {
        self.nulls += rows;
    }

    /// The counts, if they are exact and of all categories.
    pub(super) fn exact(&self) -> Option<CategoryCounts> {
        if self.cut > 0 || self.long > 0 {
            return None;
        }
        let mut counts = CategoryCounts::new(self.nulls);
        for (name, rows) in &self.counts {
            counts.add(name, *rows);
        }
        Some(counts)
    }

    /// What a category's count can be too small by.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// The categories that are still counted, to be counted again from zero.
    pub(super) fn into_candidates(self) -> HashMap<Box<str>, u64> {
        self.counts.into_keys().map(|name| (name, 0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_up_to_the_limit() {
        let mut counter = Counter::new(2);
        ["a", "b", "a"].into_iter().for_each(|name| counter.add(name));
        counter.add_nulls(4);
        let counts = counter.exact().unwrap();
        assert_eq!(counts.counts().collect::<Vec<_>>(), [("a", 2), ("b", 1)]);
        assert_eq!((counts.rows(), counts.nulls()), (7, 4));
        counter.add("c");
        assert!(counter.exact().is_none());
    }

    #[test]
    fn long_texts_are_no_categories() {
        let mut counter = Counter::new(2);
        counter.add(&"x".repeat(Categories::MAX_NAME_BYTES));
        assert!(counter.exact().is_some());
        counter.add(&"y".repeat(Categories::MAX_NAME_BYTES + 1));
        assert!(counter.exact().is_none());
        assert_eq!(counter.counts.len(), 1);
    }

    #[test]
    fn no_category_above_the_cut_is_lost_whatever_the_order() {
        // 40 rows of each of three, among 1000 that occur once.
        let mut rows: Vec<String> = (0..1000).map(|id| format!("id-{id}")).collect();
        for name in ["x", "y", "z"] {
            for at in 0..40 {
                rows.insert((at * 7919 + name.len()) % rows.len(), name.to_owned());
            }
        }
        for max in [10, 30, 100] {
            let mut counter = Counter::new(max);
            rows.iter().for_each(|name| counter.add(name));
            assert!(counter.counts.len() <= max);
            let cut = counter.cut();
            assert!(cut > 0 && cut <= (rows.len() / max) as u64, "{cut} of {max}");
            let kept = counter.into_candidates();
            for name in ["x", "y", "z"] {
                assert!(cut >= 40 || kept.contains_key(name), "{name} of {max}");
            }
        }
    }
}

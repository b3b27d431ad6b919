//! [`CategoricalProfile`]: a category, counted by the most frequent values of its reference.

use std::sync::Arc;

use mlops_core::{Error, Result};

use super::{Categories, HyperLogLog, hyperloglog::hash};
#[cfg(feature = "polars")]
use crate::compare::CategoryCounts;

/// What is kept of a categorical feature: a count for each of the reference's most frequent
/// [`Categories`], one for all other values, one for nulls, and an estimate of how many values there are.
///
/// Its memory does not grow with what it is shown, however many values that has. Merging is addition,
/// exact in whatever order and grouping.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoricalProfile {
    pub(super) categories: Arc<Categories>,
    /// One for each category, and the last for everything else.
    pub(super) counts: Box<[u64]>,
    pub(super) nulls: u64,
    pub(super) distinct: HyperLogLog,
}

impl CategoricalProfile {
    /// The profile of a reference: its values and how many of its rows are null, with at most
    /// `max_categories` counted one by one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no categories, or more than [`Categories::MAX`].
    pub fn fit(values: &[&str], nulls: u64, max_categories: usize) -> Result<Self> {
        let categories = Categories::fit(values.iter().copied(), max_categories)?;
        let mut profile = Self::empty(categories);
        for value in values {
            profile.observe(value);
        }
        profile.observe_nulls(nulls);
        Ok(profile)
    }

    /// No values yet, of these categories.
    pub(crate) fn empty(categories: impl Into<Arc<Categories>>) -> Self {
        let categories = categories.into();
        Self {
            counts: vec![0; categories.names().len() + 1].into(),
            categories,
            nulls: 0,
            distinct: HyperLogLog::new(),
        }
    }

    /// The profile of no rows, with the same categories.
    #[must_use]
    pub fn empty_like(&self) -> Self {
        Self::empty(Arc::clone(&self.categories))
    }

    /// Forgets every row, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.nulls = 0;
        self.distinct.clear();
    }

    /// Counts a value.
    pub fn observe(&mut self, value: &str) {
        let hash = hash(value.as_bytes());
        let cell = self.categories.cell_of(value, hash);
        self.counts[cell] = self.counts[cell].saturating_add(1);
        self.distinct.insert_hash(hash);
    }

    /// Counts all rows of a column.
    #[cfg(feature = "polars")]
    pub(crate) fn observe_counts(&mut self, counts: &CategoryCounts) {
        for (name, rows) in counts.counts() {
            let hash = hash(name.as_bytes());
            let cell = self.categories.cell_of(name, hash);
            self.counts[cell] = self.counts[cell].saturating_add(rows);
            self.distinct.insert_hash(hash);
        }
        self.observe_nulls(counts.nulls());
    }

    /// Counts rows that have no value.
    pub fn observe_nulls(&mut self, rows: u64) {
        self.nulls = self.nulls.saturating_add(rows);
    }

    /// Adds the rows of another profile with the same categories.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if categories differ; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check_same(other)?;
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        self.nulls = self.nulls.saturating_add(other.nulls);
        self.distinct.merge(&other.distinct);
        Ok(())
    }

    /// Whether the other is counted in the same cells.
    pub(super) fn check_same(&self, other: &Self) -> Result<()> {
        if Arc::ptr_eq(&self.categories, &other.categories) || self.categories == other.categories {
            return Ok(());
        }
        let (mine, theirs) = (self.categories.names(), other.categories.names());
        let reason = match mine.iter().zip(theirs).find(|(mine, theirs)| mine != theirs) {
            Some((mine, theirs)) => {
                format!("category `{mine}` in one is `{theirs}` in the other")
            }
            None if mine.len() != theirs.len() => {
                format!("{} categories in one and {} in the other", mine.len(), theirs.len())
            }
            None => "the categories are all that the reference had in one only".to_owned(),
        };
        Err(Error::invalid("profile", reason))
    }

    /// Which values are counted one by one.
    #[must_use]
    pub fn categories(&self) -> &Categories {
        &self.categories
    }

    /// Rows of each category, in the order of [`Categories::names`], and after them those of all other
    /// values.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Rows, whatever is in them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.iter().fold(self.nulls, |sum, count| sum.saturating_add(*count))
    }

    /// Rows without a value.
    #[must_use]
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Rows of values that are known not to be in the reference. 0 if the reference had more categories
    /// than are kept: a new value cannot be told from a rare one then, and is among the
    /// [`other`](Self::other).
    #[must_use]
    pub fn unseen(&self) -> u64 {
        if self.categories.is_complete() { self.outside() } else { 0 }
    }

    /// Rows of values that are not among the categories, though the reference may have had them.
    #[must_use]
    pub fn other(&self) -> u64 {
        if self.categories.is_complete() { 0 } else { self.outside() }
    }

    /// About how many different values there are; see [`HyperLogLog`].
    #[must_use]
    pub fn distinct(&self) -> f64 {
        self.distinct.estimate()
    }

    fn outside(&self) -> u64 {
        self.counts.last().copied().unwrap_or(0)
    }
}

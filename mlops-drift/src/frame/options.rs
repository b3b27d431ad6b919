//! [`FrameOptions`].

use serde::{Deserialize, Serialize};

use crate::{compare::CompareOptions, profile::ProfileOptions};

/// Which columns are looked at, as what, and how closely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FrameOptions {
    /// What counts as drift.
    pub compare: CompareOptions,
    /// How finely is counted where the values themselves are not kept: in a profile, and beyond
    /// [`max_values`](Self::max_values) and [`max_categories`](Self::max_categories).
    pub profile: ProfileOptions,
    /// The columns to look at; empty for all of the reference.
    pub include: Vec<String>,
    /// Columns to leave out: row numbers, times, identifiers.
    pub exclude: Vec<String>,
    /// Columns that are categories though their type is not, such as codes that are numbers.
    pub categorical: Vec<String>,
    /// Columns that are numbers though their type is not: booleans, as 0 and 1.
    pub numeric: Vec<String>,
    /// Rows of either side up to which numbers are compared by their values, which takes 8 bytes for each of
    /// one column at a time; with more, by counts in bins at quantiles of a sample of the reference.
    pub max_values: u64,
    /// Different categories of a column up to which all are compared; with more, only those that the
    /// reference has most of.
    pub max_categories: usize,
}

impl Default for FrameOptions {
    /// All columns, by values up to 8 million rows, by all categories up to 10 000.
    fn default() -> Self {
        Self {
            compare: CompareOptions::default(),
            profile: ProfileOptions::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            categorical: Vec::new(),
            numeric: Vec::new(),
            max_values: 8_000_000,
            max_categories: 10_000,
        }
    }
}

impl FrameOptions {
    /// With this as drift.
    #[must_use]
    pub fn with_compare(mut self, compare: CompareOptions) -> Self {
        self.compare = compare;
        self
    }

    /// With profiles this fine.
    #[must_use]
    pub fn with_profile(mut self, profile: ProfileOptions) -> Self {
        self.profile = profile;
        self
    }

    /// With these columns only.
    #[must_use]
    pub fn with_include<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.include = names.into_iter().map(Into::into).collect();
        self
    }

    /// Without these columns.
    #[must_use]
    pub fn with_exclude<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.exclude = names.into_iter().map(Into::into).collect();
        self
    }

    /// With these columns as categories.
    #[must_use]
    pub fn with_categorical<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.categorical = names.into_iter().map(Into::into).collect();
        self
    }

    /// With these columns as numbers.
    #[must_use]
    pub fn with_numeric<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.numeric = names.into_iter().map(Into::into).collect();
        self
    }

    /// With values compared up to this many rows.
    #[must_use]
    pub fn with_max_values(mut self, rows: u64) -> Self {
        self.max_values = rows;
        self
    }

    /// With all categories compared up to this many.
    #[must_use]
    pub fn with_max_categories(mut self, categories: usize) -> Self {
        self.max_categories = categories;
        self
    }
}

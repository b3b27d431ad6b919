//! [`FeatureProfile`]: of a number or of a category; and the values that they count.

use mlops_core::{Error, Result};

use super::{CategoricalProfile, NumericProfile, ProfileOptions};
use crate::stats::counts::SparseCells;

/// The values of one feature, as a [`Profile`](super::Profile) takes them: those that are there, in any
/// order, and how many rows have none.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// Numbers; NaN and infinities are counted, and are not nulls.
    Numeric {
        /// One for each row that is not null.
        values: &'a [f64],
        /// Rows that are null.
        nulls: u64,
    },
    /// Categories.
    Categorical {
        /// One for each row that is not null.
        values: &'a [&'a str],
        /// Rows that are null.
        nulls: u64,
    },
}

impl<'a> Column<'a> {
    /// A column of numbers without nulls.
    #[must_use]
    pub fn numeric(values: &'a [f64]) -> Self {
        Self::Numeric { values, nulls: 0 }
    }

    /// A column of categories without nulls.
    #[must_use]
    pub fn categorical(values: &'a [&'a str]) -> Self {
        Self::Categorical { values, nulls: 0 }
    }

    /// Rows, null or not.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let (there, nulls) = match self {
            Self::Numeric { values, nulls } => (values.len(), *nulls),
            Self::Categorical { values, nulls } => (values.len(), *nulls),
        };
        nulls.saturating_add(there as u64)
    }
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// None, of either kind of feature.
    Null,
    /// A number, NaN and infinities included.
    Number(f64),
    /// A category.
    Category(&'a str),
}

/// What is kept of one feature.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FeatureProfile {
    /// Of a number.
    Numeric(NumericProfile),
    /// Of a category.
    Categorical(CategoricalProfile),
}

impl FeatureProfile {
    /// The profile of a reference.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for numbers of bins or categories out of their range.
    pub fn fit(column: Column<'_>, options: &ProfileOptions) -> Result<Self> {
        Ok(match column {
            Column::Numeric { values, nulls } => {
                Self::Numeric(NumericProfile::fit(values, nulls, options.bins)?)
            }
            Column::Categorical { values, nulls } => {
                Self::Categorical(CategoricalProfile::fit(values, nulls, options.categories)?)
            }
        })
    }

    /// The profile of no rows, with the same edges or categories.
    #[must_use]
    pub fn empty_like(&self) -> Self {
        match self {
            Self::Numeric(profile) => Self::Numeric(profile.empty_like()),
            Self::Categorical(profile) => Self::Categorical(profile.empty_like()),
        }
    }

    /// Forgets every row, and keeps the memory.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Numeric(profile) => profile.clear(),
            Self::Categorical(profile) => profile.clear(),
        }
    }

    /// Counts a column.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is of the other kind; nothing is counted then.
    pub fn observe_column(&mut self, column: Column<'_>) -> Result<()> {
        self.check_column(column)?;
        match (self, column) {
            (Self::Numeric(profile), Column::Numeric { values, nulls }) => {
                profile.observe_all(values);
                profile.observe_nulls(nulls);
            }
            (Self::Categorical(profile), Column::Categorical { values, nulls }) => {
                for value in values {
                    profile.observe(value);
                }
                profile.observe_nulls(nulls);
            }
            // Checked above.
            _ => {}
        }
        Ok(())
    }

    /// Counts one row.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a value of the other kind; nothing is counted then.
    pub fn observe(&mut self, value: Value<'_>) -> Result<()> {
        self.check_value(value)?;
        match (self, value) {
            (Self::Numeric(profile), Value::Number(value)) => profile.observe(value),
            (Self::Numeric(profile), _) => profile.observe_nulls(1),
            (Self::Categorical(profile), Value::Category(value)) => profile.observe(value),
            (Self::Categorical(profile), _) => profile.observe_nulls(1),
        }
        Ok(())
    }

    /// Adds the rows of another profile with the same edges or categories.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] that says what differs; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Numeric(mine), Self::Numeric(theirs)) => mine.merge(theirs),
            (Self::Categorical(mine), Self::Categorical(theirs)) => mine.merge(theirs),
            (mine, theirs) => Err(mine.kinds_differ(theirs)),
        }
    }

    /// Rows, null or not.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            Self::Numeric(profile) => profile.rows(),
            Self::Categorical(profile) => profile.rows(),
        }
    }

    /// Rows that are null.
    #[must_use]
    pub fn nulls(&self) -> u64 {
        match self {
            Self::Numeric(profile) => profile.nulls(),
            Self::Categorical(profile) => profile.nulls(),
        }
    }

    /// The counts that tests and distances take: of bins in order, or of categories and all others.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        match self {
            Self::Numeric(profile) => profile.counts(),
            Self::Categorical(profile) => profile.counts(),
        }
    }

    /// How tests of the [`counts`](Self::counts) should join sparse cells: bins as quantiles of the reference,
    /// categories as such.
    #[must_use]
    pub fn sparse_cells(&self) -> SparseCells {
        match self {
            Self::Numeric(_) => SparseCells::JoinQuantiles,
            Self::Categorical(_) => SparseCells::JoinCategories,
        }
    }

    pub(crate) fn check_same(&self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Numeric(mine), Self::Numeric(theirs)) => mine.check_same(theirs),
            (Self::Categorical(mine), Self::Categorical(theirs)) => mine.check_same(theirs),
            (mine, theirs) => Err(mine.kinds_differ(theirs)),
        }
    }

    pub(super) fn check_column(&self, column: Column<'_>) -> Result<()> {
        match (self, column) {
            (Self::Numeric(_), Column::Numeric { .. })
            | (Self::Categorical(_), Column::Categorical { .. }) => Ok(()),
            (_, Column::Numeric { .. }) => Err(self.got("numbers")),
            (_, Column::Categorical { .. }) => Err(self.got("categories")),
        }
    }

    pub(super) fn check_value(&self, value: Value<'_>) -> Result<()> {
        match (self, value) {
            (_, Value::Null)
            | (Self::Numeric(_), Value::Number(_))
            | (Self::Categorical(_), Value::Category(_)) => Ok(()),
            (_, Value::Number(value)) => Err(self.got(&format!("the number {value}"))),
            (_, Value::Category(value)) => Err(self.got(&format!("the category `{value}`"))),
        }
    }

    fn got(&self, what: &str) -> Error {
        Error::invalid("column", format!("it is {}, and got {what}", self.kind()))
    }

    fn kinds_differ(&self, other: &Self) -> Error {
        let reason = format!("{} in one and {} in the other", self.kind(), other.kind());
        Error::invalid("profile", reason)
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Numeric(_) => "numeric",
            Self::Categorical(_) => "categorical",
        }
    }
}

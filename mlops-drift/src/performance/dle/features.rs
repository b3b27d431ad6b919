//! [`Features`]: rows of numbers.

use mlops_core::{Error, Result};

/// Rows of finite numbers, each with as many columns, one row after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features<'a> {
    values: &'a [f64],
    columns: usize,
}

impl<'a> Features<'a> {
    /// How many columns there can be.
    pub const MAX_COLUMNS: usize = 1024;

    /// Rows of so many columns.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no columns or more than [`MAX_COLUMNS`](Self::MAX_COLUMNS), values that
    /// are no whole rows, no rows, or a value that is not finite, naming its row and column.
    pub fn new(values: &'a [f64], columns: usize) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("features", reason));
        if !(1..=Self::MAX_COLUMNS).contains(&columns) {
            return invalid(format!("{columns} columns are not 1 to {}", Self::MAX_COLUMNS));
        }
        if values.is_empty() || !values.len().is_multiple_of(columns) {
            return invalid(format!("{} values in rows of {columns}", values.len()));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, column) = (at / columns, at % columns);
            return invalid(format!("row {row}, column {column} is {}", values[at]));
        }
        Ok(Self { values, columns })
    }

    /// How many rows there are: at least one.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// How many columns there are: at least one.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [f64]> + Clone {
        self.values.chunks_exact(self.columns)
    }
}

//! [`RowMean`].

use mlops_core::{Error, Result};
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::rows;

/// The mean of rows that come one by one or in blocks: sums and a count, in memory of one row.
///
/// Means of parts [merge](Self::merge) into that of the whole, in any order and grouping, up to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowMean {
    rows: u64,
    sums: Vec<f64>,
}

impl RowMean {
    /// Of no rows yet, with so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { rows: 0, sums: vec![0.0; columns] }
    }

    /// Takes a row.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for other columns, and for values that are not finite or beyond 10^100.
    /// Nothing is added then.
    pub fn observe(&mut self, row: &[f64]) -> Result<()> {
        rows::check_columns("row", row.len(), self.sums.len())?;
        for (column, value) in row.iter().enumerate() {
            rows::check_value(*value)
                .map_err(|fault| Error::invalid("row", format!("column {column} is {fault}")))?;
        }
        self.add(ArrayView1::from(row));
        Ok(())
    }

    /// Takes some rows.
    ///
    /// # Errors
    /// Those of [`observe`](Self::observe). Nothing is added then.
    pub fn observe_rows(&mut self, rows: ArrayView2<'_, f64>) -> Result<()> {
        rows::check_columns("rows", rows.ncols(), self.sums.len())?;
        rows::check("rows", rows, 0)?;
        rows.rows().into_iter().for_each(|row| self.add(row));
        Ok(())
    }

    /// Takes a row that is known to be right.
    pub(super) fn add(&mut self, row: ArrayView1<'_, f64>) {
        self.rows = self.rows.saturating_add(1);
        self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }

    /// Takes the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has other columns.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        rows::check_columns("mean", other.sums.len(), self.sums.len())?;
        self.rows = self.rows.saturating_add(other.rows);
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, value)| *sum += value);
        Ok(())
    }

    /// How many rows there were.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many columns a row has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.sums.len()
    }

    /// The mean of each column; `None` without rows.
    #[must_use]
    pub fn mean(&self) -> Option<Vec<f64>> {
        let rows = self.rows as f64;
        (self.rows > 0).then(|| self.sums.iter().map(|sum| sum / rows).collect())
    }

    /// The mean of each column, of at least `least` rows of finite sums.
    pub(super) fn of_at_least(&self, name: &'static str, least: u64) -> Result<Vec<f64>> {
        if self.rows < least {
            let reason = format!("{} rows; at least {least} are needed", self.rows);
            return Err(Error::invalid(name, reason));
        }
        let mean = self.mean().unwrap_or_default();
        // What was read from a file may hold anything.
        for (column, value) in mean.iter().enumerate() {
            rows::check_value(*value)
                .map_err(|fault| Error::invalid(name, format!("column {column} is {fault}")))?;
        }
        Ok(mean)
    }
}

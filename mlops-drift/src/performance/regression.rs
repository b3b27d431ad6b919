//! [`RegressionMetrics`]: how far predictions are off.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{confusion::check_counts, estimate::Estimate};

/// The largest magnitude of values: sums of fourth powers of errors stay finite.
const MAX_MAGNITUDE: f64 = 1e70;

/// How far predictions of a number are off, with errors, of rows that come one by one.
///
/// It keeps sums, no rows; two of them [merge](Self::merge) into what one would be that had seen all rows,
/// up to rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct RegressionMetrics {
    rows: u64,
    /// Of the error, predicted less actual, and of its size.
    sum: f64,
    sum_sizes: f64,
    sum_squares: f64,
    sum_fourths: f64,
    /// Of the actual values, from the first of them: their squares would swamp their spread.
    origin: f64,
    sum_actual: f64,
    sum_actual_squares: f64,
}

impl RegressionMetrics {
    /// Takes a prediction and what came true.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if one of them is not finite, or beyond ±10⁷⁰, where fourth powers of errors
    /// would overflow; nothing is changed then.
    pub fn observe(&mut self, predicted: f64, actual: f64) -> Result<()> {
        for (name, value) in [("prediction", predicted), ("outcome", actual)] {
            if !value.is_finite() {
                return Err(Error::invalid(name, format_args!("it is {value}")));
            }
            if value.abs() > MAX_MAGNITUDE {
                return Err(Error::invalid(name, format_args!("{value:e} is beyond ±1e70")));
            }
        }
        if self.rows == 0 {
            self.origin = actual;
        }
        let error = predicted - actual;
        let (square, actual) = (error * error, actual - self.origin);
        self.rows = self.rows.saturating_add(1);
        self.sum += error;
        self.sum_sizes += error.abs();
        self.sum_squares += square;
        self.sum_fourths += square * square;
        self.sum_actual += actual;
        self.sum_actual_squares += actual * actual;
        Ok(())
    }

    /// Takes the rows of another.
    pub fn merge(&mut self, other: &Self) {
        if self.rows == 0 {
            *self = *other;
            return;
        }
        // The other's sums from this origin.
        let (rows, shift) = (other.rows as f64, other.origin - self.origin);
        self.sum_actual_squares +=
            other.sum_actual_squares + shift * (2.0 * other.sum_actual + rows * shift);
        self.sum_actual += other.sum_actual + rows * shift;
        self.rows = self.rows.saturating_add(other.rows);
        self.sum += other.sum;
        self.sum_sizes += other.sum_sizes;
        self.sum_squares += other.sum_squares;
        self.sum_fourths += other.sum_fourths;
    }

    /// How many rows there were.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The mean error, predicted less actual; `None` below two rows, as all of them.
    #[must_use]
    pub fn bias(&self) -> Option<Estimate> {
        self.mean(self.sum, self.sum_squares)
    }

    /// The mean size of the error.
    #[must_use]
    pub fn mean_absolute_error(&self) -> Option<Estimate> {
        self.mean(self.sum_sizes, self.sum_squares)
    }

    /// The mean square of the error.
    #[must_use]
    pub fn mean_squared_error(&self) -> Option<Estimate> {
        self.mean(self.sum_squares, self.sum_fourths)
    }

    /// The square root of the mean square of the error; its error by the delta method.
    #[must_use]
    pub fn root_mean_squared_error(&self) -> Option<Estimate> {
        let Estimate { value, standard_error } = self.mean_squared_error()?;
        let root = value.sqrt();
        let standard_error = if root > 0.0 { standard_error / (2.0 * root) } else { 0.0 };
        Some(Estimate { value: root, standard_error })
    }

    /// The share of the variance of the actual values that the predictions explain, 1 − MSE / variance:
    /// less than 0 where their mean would have done better. `None` where they are all the same.
    #[must_use]
    pub fn r_squared(&self) -> Option<f64> {
        let rows = self.rows as f64;
        let spread = self.sum_actual_squares - self.sum_actual * self.sum_actual / rows;
        (self.rows >= 2 && spread > 0.0).then(|| 1.0 - self.sum_squares / spread)
    }

    /// The mean of rows of which these are the sums and the sums of squares.
    fn mean(&self, sum: f64, sum_squares: f64) -> Option<Estimate> {
        if self.rows < 2 {
            return None;
        }
        let rows = self.rows as f64;
        let mean = sum / rows;
        let variance = (sum_squares - mean * sum) / (rows - 1.0);
        Some(Estimate::new(mean, variance / rows))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    rows: u64,
    sum: f64,
    sum_sizes: f64,
    sum_squares: f64,
    sum_fourths: f64,
    origin: f64,
    sum_actual: f64,
    sum_actual_squares: f64,
}

impl TryFrom<Unchecked> for RegressionMetrics {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked { rows, sum, sum_sizes, sum_squares, sum_fourths, .. } = read;
        let Unchecked { origin, sum_actual, sum_actual_squares, .. } = read;
        check_counts("regression metrics", &[rows])?;
        let count = rows as f64;
        // A sum is no more than what squares allow (Cauchy and Schwarz), but for rounding, and squares of
        // the smallest numbers are 0.
        let fits = |sum: f64, squares: f64| {
            sum <= (count.sqrt() * squares.sqrt()) * (1.0 + 1e-9) + count * 1e-150
        };
        let is_of_errors = (0.0..f64::INFINITY).contains(&sum_fourths)
            && (0.0..f64::INFINITY).contains(&sum_squares)
            && fits(sum_squares, sum_fourths)
            && fits(sum_sizes, sum_squares)
            && sum.abs() <= sum_sizes * (1.0 + 1e-9);
        let is_of_outcomes = origin.abs() <= MAX_MAGNITUDE
            && sum_actual.abs() <= 4.0 * count * MAX_MAGNITUDE
            && sum_actual_squares.abs() <= 16.0 * count * MAX_MAGNITUDE * MAX_MAGNITUDE;
        if !(is_of_errors && is_of_outcomes) {
            return Err(Error::invalid(
                "regression metrics",
                format!("{rows} rows have other sums"),
            ));
        }
        Ok(Self {
            rows,
            sum,
            sum_sizes,
            sum_squares,
            sum_fourths,
            origin,
            sum_actual,
            sum_actual_squares,
        })
    }
}

//! Cholesky's decomposition of a positive definite matrix.

use mlops_core::{Error, Result};
use ndarray::{Array2, ArrayViewMut2, Axis, s};

/// `A = L Lᵀ`, with `L` below the diagonal and on it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    /// Of a symmetric matrix, of which only the lower half is read.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] about `what` if it is not positive definite.
    pub(super) fn new(what: &'static str, mut matrix: Array2<f64>) -> Result<Self> {
        for i in 0..matrix.nrows() {
            let (above, mut row) = matrix.view_mut().split_at(Axis(0), i);
            let mut row = row.row_mut(0);
            for j in 0..i {
                let sum = row.slice(s![..j]).dot(&above.slice(s![j, ..j]));
                row[j] = (row[j] - sum) / above[[j, j]];
            }
            let known = row.slice(s![..i]);
            let pivot = row[i] - known.dot(&known);
            // NaN is not more than 0 either.
            if !(pivot > 0.0 && pivot.is_finite()) {
                let reason = format!("not positive definite: pivot {i} is {pivot:e}");
                return Err(Error::invalid(what, reason));
            }
            row[i] = pivot.sqrt();
            row.slice_mut(s![i + 1..]).fill(0.0);
        }
        Ok(Self { lower: matrix })
    }

    /// `L`.
    pub(super) fn lower(&self) -> &Array2<f64> {
        &self.lower
    }

    /// Of an `L` that is known.
    pub(super) fn from_lower(lower: Array2<f64>) -> Self {
        Self { lower }
    }

    /// Replaces the columns `b` by `L⁻¹ b`.
    pub(super) fn solve_lower(&self, columns: &mut ArrayViewMut2<'_, f64>) {
        for i in 0..self.lower.nrows() {
            let (above, mut rest) = columns.view_mut().split_at(Axis(0), i);
            let mut row = rest.row_mut(0);
            for (factor, solved) in self.lower.row(i).iter().zip(above.rows()) {
                row.scaled_add(-factor, &solved);
            }
            row /= self.lower[[i, i]];
        }
    }

    /// Replaces the columns `b` by `A⁻¹ b`.
    pub(super) fn solve(&self, columns: &mut ArrayViewMut2<'_, f64>) {
        self.solve_lower(columns);
        for i in (0..self.lower.nrows()).rev() {
            let (mut rest, below) = columns.view_mut().split_at(Axis(0), i + 1);
            let mut row = rest.row_mut(i);
            for (factor, solved) in self.lower.slice(s![i + 1.., i]).iter().zip(below.rows()) {
                row.scaled_add(-factor, &solved);
            }
            row /= self.lower[[i, i]];
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn it_solves() {
        let root = Array2::from_shape_fn((9, 7), |(i, j)| ((3 * i + 5 * j * j + 1) % 11) as f64);
        let matrix = root.t().dot(&root) + Array2::<f64>::eye(7);
        let solution = Array2::from_shape_fn((7, 3), |(i, j)| i as f64 - 2.0 * j as f64);
        let mut columns = matrix.dot(&solution);
        let factor = Cholesky::new("matrix", matrix.clone()).unwrap();
        let product = factor.lower().dot(&factor.lower().t());
        assert!((&product - &matrix).iter().all(|error| error.abs() < 1e-11));
        let mut half = columns.clone();
        factor.solve_lower(&mut half.view_mut());
        assert!((&factor.lower().dot(&half) - &columns).iter().all(|error| error.abs() < 1e-10));
        factor.solve(&mut columns.view_mut());
        assert!((&columns - &solution).iter().all(|error| error.abs() < 1e-9));
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        for matrix in [array![[1.0, 2.0], [2.0, 4.0]], array![[0.0]], array![[f64::NAN]]] {
            let error = Cholesky::new("covariance", matrix).unwrap_err().to_string();
            assert!(error.starts_with("invalid covariance: not positive definite"), "{error}");
        }
    }
}

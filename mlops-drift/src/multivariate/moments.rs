//! [`Moments`]: mean and covariance of rows that come in blocks.

use mlops_core::{Error, Result};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, linalg::general_mat_mul};
use serde::{Deserialize, Serialize};

use super::rows;

/// Mean, covariance and what is needed to shrink it, of rows that come in blocks; in memory of the square
/// of the columns.
///
/// Each block is summed about its own mean, and blocks are put together by the formulas of Chan, Golub
/// and LeVeque (1983), so that a distant origin costs no digits. Moments of parts
/// [merge](Self::merge) into those of the whole, in any order and grouping, up to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Moments {
    rows: u64,
    mean: Array1<f64>,
    /// With `y = x - mean`: the sums of `y yᵀ`, of `|y|² y`, and of `|y|⁴`.
    scatter: Array2<f64>,
    cubes: Array1<f64>,
    fourths: f64,
}

/// A covariance that is nearer to the truth than that of a sample, and can be inverted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShrunkCovariance {
    /// `(1 - intensity) S + intensity tr(S)/d I` of the covariance `S` of the sample.
    pub matrix: Array2<f64>,
    /// How far it was moved, in `[0, 1]`.
    pub intensity: f64,
}

impl Moments {
    /// Of no rows yet, with so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            rows: 0,
            mean: Array1::zeros(columns),
            scatter: Array2::zeros((columns, columns)),
            cubes: Array1::zeros(columns),
            fourths: 0.0,
        }
    }

    /// Takes some rows. Large blocks are faster: each costs the square of the columns, however small.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for other columns, and for values that are not finite or beyond 10^100.
    /// Nothing is added then.
    pub fn observe_rows(&mut self, rows: ArrayView2<'_, f64>) -> Result<()> {
        rows::check_columns("rows", rows.ncols(), self.mean.len())?;
        rows::check("rows", rows, 0)?;
        let Some(mean) = rows.mean_axis(Axis(0)) else { return Ok(()) };
        let centred = &rows - &mean;
        let squares = Array1::from(rows::squares(centred.view()));
        self.combine(&Self {
            rows: rows.nrows() as u64,
            mean,
            scatter: centred.t().dot(&centred),
            cubes: squares.dot(&centred),
            fourths: squares.dot(&squares),
        });
        Ok(())
    }

    /// Takes the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has other columns.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        rows::check_columns("moments", other.mean.len(), self.mean.len())?;
        self.combine(other);
        Ok(())
    }

    fn combine(&mut self, other: &Self) {
        if other.rows == 0 {
            return;
        }
        if self.rows == 0 {
            self.clone_from(other);
            return;
        }
        let total = self.rows as f64 + other.rows as f64;
        let apart = &other.mean - &self.mean;
        let (mine, theirs) = (other.rows as f64 / total, -(self.rows as f64) / total);
        let shifted = other.about(&(&apart * theirs));
        *self = self.about(&(&apart * mine));
        self.rows = self.rows.saturating_add(other.rows);
        self.scatter += &shifted.scatter;
        self.cubes += &shifted.cubes;
        self.fourths += shifted.fourths;
    }

    /// The same rows summed about `mean + shift`: that is, with `y - shift` in place of `y`.
    fn about(&self, shift: &Array1<f64>) -> Self {
        let rows = self.rows as f64;
        let v = -shift;
        let square = v.dot(&v);
        let trace = self.scatter.diag().sum();
        let along = self.scatter.dot(&v);
        let column = v.view().insert_axis(Axis(1));
        let mut scatter = self.scatter.clone();
        general_mat_mul(rows, &column, &column.t(), 1.0, &mut scatter);
        Self {
            rows: self.rows,
            mean: &self.mean + shift,
            scatter,
            cubes: &self.cubes + &(&v * (trace + rows * square)) + &(&along * 2.0),
            fourths: self.fourths
                + 4.0 * self.cubes.dot(&v)
                + 4.0 * v.dot(&along)
                + 2.0 * square * trace
                + rows * square * square,
        }
    }

    /// How many rows there were.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many columns a row has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.mean.len()
    }

    /// The mean of each column; zeros without rows.
    #[must_use]
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The sample covariance, divided by one less than the number of rows; `None` below two rows.
    #[must_use]
    pub fn covariance(&self) -> Option<Array2<f64>> {
        (self.rows >= 2).then(|| &self.scatter / (self.rows as f64 - 1.0))
    }

    /// The covariance, divided by the number of rows, shrunk towards a multiple of the identity by as much as
    /// minimises its expected squared error (Ledoit & Wolf 2004, "A well-conditioned estimator for
    /// large-dimensional covariance matrices"; scikit-learn's `LedoitWolf`). `None` without rows.
    #[must_use]
    pub fn shrunk_covariance(&self) -> Option<ShrunkCovariance> {
        if self.rows == 0 {
            return None;
        }
        let rows = self.rows as f64;
        let mut matrix = &self.scatter / rows;
        let size = matrix.diag().sum() / self.mean.len() as f64;
        let squares = matrix.iter().map(|value| value * value).sum::<f64>();
        // How far the sample's is from the target, and how far by chance.
        let away = squares - size * size * self.mean.len() as f64;
        let chance = (self.fourths / rows - squares) / rows;
        let share = chance / away;
        // Squares beyond the largest number say nothing.
        let says = away > 0.0 && !share.is_nan();
        let intensity = if says { share.clamp(0.0, 1.0) } else { 0.0 };
        matrix *= 1.0 - intensity;
        matrix.diag_mut().map_inplace(|value| *value += intensity * size);
        Some(ShrunkCovariance { matrix, intensity })
    }
}

/// [`Moments`] as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    rows: u64,
    mean: Vec<f64>,
    scatter: Vec<f64>,
    cubes: Vec<f64>,
    fourths: f64,
}

impl From<Moments> for Stored {
    fn from(moments: Moments) -> Self {
        Self {
            rows: moments.rows,
            mean: moments.mean.to_vec(),
            scatter: moments.scatter.iter().copied().collect(),
            cubes: moments.cubes.to_vec(),
            fourths: moments.fourths,
        }
    }
}

impl TryFrom<Stored> for Moments {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let columns = stored.mean.len();
        let is_value = |value: &f64| rows::check_value(*value).is_ok();
        // Of values that rows may have, sums are that large.
        let is_sum = |sum: &f64| sum.abs() <= 1e306;
        if !stored.mean.iter().all(is_value)
            || !stored.scatter.iter().chain(&stored.cubes).all(is_sum)
            || !is_sum(&stored.fourths)
            || stored.scatter.iter().step_by(columns + 1).any(|square| *square < 0.0)
            || (columns == 0 && stored.rows > 0)
        {
            return Err(Error::invalid("moments", "no rows have these sums"));
        }
        let scatter = Array2::from_shape_vec((columns, columns), stored.scatter);
        match scatter {
            Ok(scatter) if stored.cubes.len() == columns => Ok(Self {
                rows: stored.rows,
                mean: stored.mean.into(),
                scatter,
                cubes: stored.cubes.into(),
                fourths: stored.fourths,
            }),
            _ => Err(Error::invalid("moments", format!("not all are of {columns} columns"))),
        }
    }
}

//! [`Standardizer`]: columns of different units on one scale.

use mlops_core::{Error, Result};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::rows;
use crate::stats::Sample;

/// Brings columns to one scale by those of a reference: median 0, and the interquartile range of a normal
/// distribution of deviation 1 (scikit-learn's `RobustScaler` with `unit_variance`). Values beyond 10 such
/// deviations are moved there.
///
/// A single wild value has no say in the scale of all others, nor a weight that hides what they do.
///
/// ```
/// use mlops_drift::{multivariate::Standardizer, ndarray::array};
///
/// let reference = array![[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0], [1e9, 0.0]];
/// let standardizer = Standardizer::fit(reference.view())?;
/// let scaled = standardizer.apply(array![[3.0, 0.0], [5.0, 0.5], [1e9, 0.0]].view())?;
/// assert!((scaled[[1, 0]] - 1.349).abs() < 0.001);
/// assert_eq!((scaled[[0, 0]], scaled[[1, 1]], scaled[[2, 0]]), (0.0, 0.5, 10.0));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub struct Standardizer {
    medians: Vec<f64>,
    scales: Vec<f64>,
}

/// The interquartile range of the standard normal distribution.
const NORMAL_RANGE: f64 = 1.348_979_500_392_163_5;

/// Where values are moved to that are further out.
const FURTHEST: f64 = 10.0;

impl Standardizer {
    /// By the columns of these rows. Where half of a column is one value, its scale is its standard
    /// deviation; where all of it is, 1.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) without rows or columns, and for
    /// values that are not finite or beyond 10^100.
    pub fn fit(reference: ArrayView2<'_, f64>) -> Result<Self> {
        rows::check("reference", reference, 1)?;
        let (mut medians, mut scales) = (Vec::new(), Vec::new());
        for column in reference.columns() {
            let column = Sample::new("reference", column.to_vec())?;
            let range = column.quantile(0.75)? - column.quantile(0.25)?;
            let scale =
                if range > 0.0 { range / NORMAL_RANGE } else { column.standard_deviation() };
            medians.push(column.quantile(0.5)?);
            scales.push(if scale > 0.0 { scale } else { 1.0 });
        }
        Ok(Self { medians, scales })
    }

    /// How many columns a row has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.medians.len()
    }

    /// The rows on that scale.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) for other columns than those of the
    /// reference, and for values that are not finite or beyond 10^100.
    pub fn apply(&self, rows: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        rows::check_columns("rows", rows.ncols(), self.medians.len())?;
        rows::check("rows", rows, 0)?;
        let mut scaled = rows.to_owned();
        for (index, mut column) in scaled.columns_mut().into_iter().enumerate() {
            let (median, scale) = (self.medians[index], self.scales[index]);
            column.mapv_inplace(|value| ((value - median) / scale).clamp(-FURTHEST, FURTHEST));
        }
        Ok(scaled)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    medians: Vec<f64>,
    scales: Vec<f64>,
}

impl TryFrom<Unchecked> for Standardizer {
    type Error = Error;

    fn try_from(Unchecked { medians, scales }: Unchecked) -> Result<Self> {
        let is_scale = |scale: &f64| *scale > 0.0 && scale.is_finite();
        if medians.len() != scales.len()
            || !medians.iter().all(|median| rows::check_value(*median).is_ok())
            || !scales.iter().all(is_scale)
        {
            return Err(Error::invalid("scales", "columns do not have one median and one scale"));
        }
        Ok(Self { medians, scales })
    }
}

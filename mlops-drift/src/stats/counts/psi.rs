//! The population stability index.

use mlops_core::{Error, Result, stats::chi_square as distribution};
use serde::{Deserialize, Serialize};

use super::contingency::{MIN_EXPECTED_OF_LOGARITHMS, SparseCells, Table};

/// How [`psi`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PsiOptions {
    /// What is done about cells that are expected to hold few rows.
    pub sparse_cells: SparseCells,
    /// What is added to each count before its logarithm is taken; not negative.
    pub pseudo_count: f64,
}

impl Default for PsiOptions {
    /// Sparse categories are joined, and one half is added.
    fn default() -> Self {
        Self { sparse_cells: SparseCells::default(), pseudo_count: 0.5 }
    }
}

impl PsiOptions {
    /// With this treatment of sparse cells.
    #[must_use]
    pub fn with_sparse_cells(mut self, sparse_cells: SparseCells) -> Self {
        self.sparse_cells = sparse_cells;
        self
    }

    /// With this much added to each count in the logarithm.
    #[must_use]
    pub fn with_pseudo_count(mut self, pseudo_count: f64) -> Self {
        self.pseudo_count = pseudo_count;
        self
    }
}

/// The population stability index of two samples, and what it is if they do not differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Psi {
    /// The index, from 0 on; infinite only without a pseudo-count.
    pub value: f64,
    /// How many cells it was computed from, after sparse ones were joined.
    pub cells: usize,
    /// `1/n + 1/m`.
    pub sampling_variance: f64,
}

/// The population stability index `Σ (p_i - q_i) ln(p_i / q_i)`: the symmetrised Kullback–Leibler
/// divergence (Jeffreys 1946), in nats.
///
/// The logarithm would be infinite where one sample has an empty cell, and is biased where it has few
/// rows. So one half is added to both counts in it, `ln((x_i + ½) m / ((y_i + ½) n))`, which makes the bias
/// of a log ratio vanish to first order (Haldane 1956; Anscombe 1956). The shares in front are left as
/// they are: samples of equal shares have index 0 whatever their sizes, and if there is no difference
/// the mean is `(K - 1)(1/n + 1/m)`. What would come out below 0 is 0.
///
/// The customary limits 0.1 and 0.2 say how large a difference is, not whether it is there: two samples
/// of 100 rows from one distribution, in 20 bins, differ by 0.38 on average.
/// [`Psi::null_threshold`] says what chance alone explains.
///
/// ```
/// use mlops_drift::stats::counts::{PsiOptions, psi};
///
/// # fn main() -> mlops_core::Result<()> {
/// let options = PsiOptions::default();
/// let psi = psi(&[250, 250, 250, 250], &[12, 9, 16, 13], &options)?;
/// assert!(psi.value < psi.null_threshold(0.05)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [the module](super) says; [`Error::InvalidArgument`] for a pseudo-count that is negative or not
/// finite.
pub fn psi(reference: &[u64], current: &[u64], options: &PsiOptions) -> Result<Psi> {
    let extra = checked_pseudo_count(options.pseudo_count)?;
    let table =
        Table::new(reference, current)?.joined_to(MIN_EXPECTED_OF_LOGARITHMS, options.sparse_cells);
    let (n, m) = (table.reference, table.current);
    let cells = table.cells.iter().map(|[x, y]| {
        let difference = x / n - y / m;
        // Where shares are equal the term is nothing, even if the logarithm is not.
        if difference == 0.0 {
            0.0
        } else {
            difference * ((x + extra) / (y + extra) * (m / n)).ln()
        }
    });
    Ok(Psi {
        value: cells.sum::<f64>().max(0.0),
        cells: table.cells.len(),
        sampling_variance: table.sampling_variance(),
    })
}

impl Psi {
    /// What the index exceeds with probability `alpha` if the samples do not differ:
    /// `(1/n + 1/m) χ²`, at the quantile `1 - alpha` of `K - 1` degrees of freedom (Yurdakul 2018,
    /// "Statistical properties of population stability index"). 0 for a single cell. It is too low by a
    /// little if a cell is left in which fewer than ten rows are expected; sparse cells are joined until there
    /// are (see [`SparseCells`]).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless `alpha` is in `(0, 1)`.
    pub fn null_threshold(&self, alpha: f64) -> Result<f64> {
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(Error::invalid("alpha", format!("{alpha} is not between 0 and 1")));
        }
        if self.cells < 2 {
            return Ok(0.0);
        }
        Ok(self.sampling_variance * distribution::quantile(1.0 - alpha, self.degrees_of_freedom()))
    }

    /// How probable an index at least as large is if the samples do not differ; by the same law as
    /// [`null_threshold`](Self::null_threshold). 1 for a single cell.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        if self.cells < 2 {
            return 1.0;
        }
        distribution::sf(self.value / self.sampling_variance, self.degrees_of_freedom())
    }

    fn degrees_of_freedom(&self) -> f64 {
        (self.cells - 1) as f64
    }
}

/// The pseudo-count, unless it is negative or not finite.
pub(super) fn checked_pseudo_count(pseudo_count: f64) -> Result<f64> {
    if pseudo_count.is_finite() && pseudo_count >= 0.0 {
        Ok(pseudo_count)
    } else {
        let reason = format!("{pseudo_count} is not a finite number from 0 on");
        Err(Error::invalid("pseudo-count", reason))
    }
}

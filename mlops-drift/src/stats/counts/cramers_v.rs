//! Cramér's V: how strongly the cell depends on the sample.

use mlops_core::Result;

use super::{
    chi_square::statistic,
    contingency::{SparseCells, Table},
};

/// Cramér's V, `√(X² / N)` for two samples, in `[0, 1]` (Cramér 1946; as
/// `scipy.stats.contingency.association`).
///
/// It tends to 0 as one sample becomes much larger than the other, for the same difference of shares:
/// use [`balanced_cramers_v`] to compare it with a limit. 0 if all rows are in one cell.
///
/// # Errors
/// As [the module](super) says.
pub fn cramers_v(reference: &[u64], current: &[u64]) -> Result<f64> {
    let table = Table::new(reference, current)?;
    Ok((statistic(&table, 0.0) / table.total()).sqrt().min(1.0))
}

/// Cramér's V of the same shares in samples of equal sizes, `√(½ Σ (p_i - q_i)² / (p_i + q_i))`, less what
/// chance adds; in `[0, 1]`.
///
/// The square is half the triangular discrimination (Topsøe 2000). It does not depend on the sizes,
/// except that samples of one distribution differ by chance: by `(K - 1)(1/n + 1/m) / 4` on average, to
/// first order, which is taken off (as Bergsma 2013 does for V). What would be less than 0 is 0.
///
/// # Errors
/// As [the module](super) says.
pub fn balanced_cramers_v(
    reference: &[u64],
    current: &[u64],
    sparse_cells: SparseCells,
) -> Result<f64> {
    let table = Table::new(reference, current)?.joined(sparse_cells);
    let sum: f64 = table.shares().map(|[p, q]| (p - q).powi(2) / (p + q)).sum();
    let by_chance = table.degrees_of_freedom() * table.sampling_variance() / 4.0;
    Ok((sum / 2.0 - by_chance).max(0.0).sqrt().min(1.0))
}

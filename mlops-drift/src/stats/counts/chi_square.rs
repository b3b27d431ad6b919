//! Pearson's chi-square test.

use mlops_core::{Result, stats::TestResult};

use super::contingency::{ContingencyOptions, Correction, Table};

/// Pearson's chi-square test that both samples fall into the cells with the same probabilities.
///
/// `X² = Σ (O - E)² / E` over the 2×K table, `E` from its margins, compared with the chi-square
/// distribution of `K - 1` degrees of freedom (Pearson 1900; as `scipy.stats.chi2_contingency` with
/// [`ContingencyOptions::scipy`]). The reference is a sample like the other, of any size, not a known
/// distribution: a test that takes its shares for the truth raises false alarms at many times the
/// nominal rate.
///
/// If all rows are in one cell, the samples do not differ: the statistic is 0 and the p-value 1.
///
/// ```
/// use mlops_drift::stats::counts::{ContingencyOptions, chi_square};
///
/// # fn main() -> mlops_core::Result<()> {
/// let result = chi_square(&[500, 300, 200], &[200, 200, 100], &ContingencyOptions::default())?;
/// assert!((result.statistic - 17.142857142857142).abs() < 1e-12);
/// assert!(result.p_value < 0.001);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [the module](super) says.
pub fn chi_square(
    reference: &[u64],
    current: &[u64],
    options: &ContingencyOptions,
) -> Result<TestResult> {
    let table = Table::new(reference, current)?.joined(options.sparse_cells);
    if table.cells.len() == 1 {
        return Ok(TestResult { statistic: 0.0, p_value: 1.0 });
    }
    let corrected = |table: &Table| {
        let yates = table.cells.len() == 2 && options.correction != Correction::None;
        statistic(table, if yates { 0.5 } else { 0.0 })
    };
    Ok(TestResult { statistic: corrected(&table), p_value: table.p_value(corrected)? })
}

/// Pearson's statistic, each count moved by up to `toward` in the direction of what is expected.
///
/// With two samples, `O - E` is `±(x m - y n) / N` in either row of a cell, and the two terms of the cell
/// add up to its square times `N² / ((x + y) n m)`.
pub(super) fn statistic(table: &Table, toward: f64) -> f64 {
    let (n, m, total) = (table.reference, table.current, table.total());
    let cells = table.cells.iter().map(|[x, y]| {
        let off = (x * (m / total) - y * (n / total)).abs();
        let off = (off - toward).max(0.0);
        off * off / (x + y)
    });
    cells.sum::<f64>() * (total / n) * (total / m)
}

//! The G test.

use mlops_core::{Result, stats::TestResult};

use super::contingency::{ContingencyOptions, Correction, MIN_EXPECTED_OF_LOGARITHMS, Table};

/// The likelihood-ratio test that both samples fall into the cells with the same probabilities.
///
/// `G = 2 Σ O ln(O / E)` over the 2×K table, `E` from its margins, compared with the chi-square
/// distribution of `K - 1` degrees of freedom (Woolf 1957; as `scipy.stats.chi2_contingency` with
/// `lambda_="log-likelihood"` and [`ContingencyOptions::scipy`]). The samples may be of different sizes.
///
/// With small counts G is too large: by default it is divided by Williams' factor (Williams 1976,
/// "Improved likelihood ratio tests for complete contingency tables"),
/// `1 + (N/n + N/m - 1)(Σ N/(x_i + y_i) - 1) / (6 N (K - 1))`, which makes its mean right.
///
/// If all rows are in one cell, the samples do not differ: the statistic is 0 and the p-value 1.
///
/// # Errors
/// As [the module](super) says.
pub fn g_test(
    reference: &[u64],
    current: &[u64],
    options: &ContingencyOptions,
) -> Result<TestResult> {
    let table =
        Table::new(reference, current)?.joined_to(MIN_EXPECTED_OF_LOGARITHMS, options.sparse_cells);
    if table.cells.len() == 1 {
        return Ok(TestResult { statistic: 0.0, p_value: 1.0 });
    }
    let corrected = |table: &Table| match options.correction {
        Correction::Recommended => likelihood_ratio(table, 0.0) / williams(table),
        Correction::Yates if table.cells.len() == 2 => likelihood_ratio(table, 0.5),
        Correction::Yates | Correction::None => likelihood_ratio(table, 0.0),
    };
    Ok(TestResult { statistic: corrected(&table), p_value: table.p_value(corrected)? })
}

/// G, each count moved by up to `toward` in the direction of what is expected.
fn likelihood_ratio(table: &Table, toward: f64) -> f64 {
    let total = table.total();
    let term = |observed: f64, expected: f64| {
        let off = observed - expected;
        let off = off - off.signum() * toward.min(off.abs());
        // `off`, which sums to nothing, is taken off each term: so none is negative, and of large samples
        // that hardly differ nothing is lost to cancellation.
        let ratio = off / expected;
        if ratio > -1.0 { expected * ((1.0 + ratio) * ratio.ln_1p() - ratio) } else { expected }
    };
    let cells = table.cells.iter().map(|[x, y]| {
        let both = x + y;
        term(*x, both * (table.reference / total)) + term(*y, both * (table.current / total))
    });
    2.0 * cells.sum::<f64>().max(0.0)
}

fn williams(table: &Table) -> f64 {
    let total = table.total();
    let samples = total * table.sampling_variance() - 1.0;
    let cells = table.cells.iter().map(|[x, y]| total / (x + y)).sum::<f64>() - 1.0;
    1.0 + samples * cells / (6.0 * total * table.degrees_of_freedom())
}

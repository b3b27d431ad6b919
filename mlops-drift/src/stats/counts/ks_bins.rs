//! The Kolmogorov–Smirnov statistic, from bins.

use mlops_core::{Result, stats::TestResult};
use serde::{Deserialize, Serialize};

use super::contingency::Table;
use crate::stats::ks;

/// Between what the Kolmogorov–Smirnov statistic of the rows lies, if only their bins are known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KsBounds {
    /// The largest difference of the two distribution functions at an edge. The statistic is at least
    /// this, so a test of it is conservative.
    pub lower: f64,
    /// The largest difference that there can be inside a bin. The statistic is at most this.
    pub upper: f64,
}

/// The two-sample Kolmogorov–Smirnov test of what is known from bins: the statistic is
/// [`KsBounds::lower`], its probability that of the rows having so large a one ([`ks`]). As the rows' own is
/// at least that, the test is conservative; the more so, the coarser the bins.
///
/// # Errors
/// As [the module](super) says.
pub fn ks_test(reference: &[u64], current: &[u64]) -> Result<TestResult> {
    let statistic = ks_bounds(reference, current)?.lower;
    let rows = |counts: &[u64]| counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    Ok(TestResult { statistic, p_value: ks::p_value(rows(reference), rows(current), statistic) })
}

/// Bounds of the two-sample Kolmogorov–Smirnov statistic `D = max |F(t) - G(t)|`, from counts in bins that
/// are in order and share their edges.
///
/// At the edges both distribution functions are known. Inside bin `i`, `F` is between its values at the
/// two edges, `F_{i-1}` and `F_i`, and so is `G`: `|F - G|` is at most the larger of `F_i - G_{i-1}` and
/// `G_i - F_{i-1}`. If the bins are quantiles of the reference, the bounds are as far apart as a bin holds of
/// both samples.
///
/// # Errors
/// As [the module](super) says.
pub fn ks_bounds(reference: &[u64], current: &[u64]) -> Result<KsBounds> {
    let table = Table::new(reference, current)?;
    let mut below = [0.0; 2];
    let (mut lower, mut upper) = (0.0_f64, 0.0_f64);
    for [x, y] in &table.cells {
        let [f, g] = [below[0] / table.reference, below[1] / table.current];
        below = [below[0] + x, below[1] + y];
        let [f_next, g_next] = [below[0] / table.reference, below[1] / table.current];
        lower = lower.max((f_next - g_next).abs());
        upper = upper.max(f_next - g).max(g_next - f);
    }
    // Beyond 2^53 rows the sums round.
    Ok(KsBounds { lower: lower.min(1.0), upper: upper.clamp(lower, 1.0) })
}

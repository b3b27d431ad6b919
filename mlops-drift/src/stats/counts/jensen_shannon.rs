//! The Jensen–Shannon distance.

use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::contingency::{SparseCells, Table};

/// How [`jensen_shannon`] measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JensenShannonOptions {
    /// The base of the logarithm.
    pub base: LogBase,
    /// `None`: the distance of the shares as they are. Otherwise sparse cells are joined so, and what
    /// chance adds is taken off.
    pub bias_correction: Option<SparseCells>,
}

impl JensenShannonOptions {
    /// With this base.
    #[must_use]
    pub fn with_base(mut self, base: LogBase) -> Self {
        self.base = base;
        self
    }

    /// With what chance adds taken off, and sparse cells joined so.
    #[must_use]
    pub fn with_bias_correction(mut self, sparse_cells: SparseCells) -> Self {
        self.bias_correction = Some(sparse_cells);
        self
    }
}

/// The base of a logarithm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogBase {
    /// e: nats.
    #[default]
    Natural,
    /// 2: bits.
    Two,
}

/// The Jensen–Shannon distance: the root of the divergence
/// `½ Σ p_i ln(p_i / a_i) + ½ Σ q_i ln(q_i / a_i)`, with `a_i = (p_i + q_i) / 2`.
///
/// A metric (Lin 1991; Endres and Schindelin 2003; as `scipy.spatial.distance.jensenshannon`), from 0 for
/// equal shares to `√ln 2` (or 1, in base 2) for samples that have no cell in common.
///
/// Samples of one distribution differ by chance, and the more, the more cells and the fewer rows there
/// are: the divergence is `(K - 1)(1/n + 1/m) / 8` nats on average, to first order in `1/n` and `1/m`.
/// A limit on the distance alone therefore alarms on columns of many categories. With
/// [`JensenShannonOptions::bias_correction`] this mean is taken off the divergence; what would be less than
/// 0 is 0.
///
/// # Errors
/// As [the module](super) says.
pub fn jensen_shannon(
    reference: &[u64],
    current: &[u64],
    options: &JensenShannonOptions,
) -> Result<f64> {
    let table = Table::new(reference, current)?;
    let divergence = match options.bias_correction {
        None => divergence(&table),
        Some(sparse_cells) => {
            let table = table.joined(sparse_cells);
            let by_chance = table.degrees_of_freedom() * table.sampling_variance() / 8.0;
            (divergence(&table) - by_chance).max(0.0)
        }
    };
    Ok(match options.base {
        LogBase::Natural => divergence.sqrt(),
        LogBase::Two => (divergence / std::f64::consts::LN_2).sqrt(),
    })
}

fn divergence(table: &Table) -> f64 {
    // With a = (p + q) / 2 and d = (p - q) / (p + q) a cell's term is
    // a ((1 + d) ln(1 + d) + (1 - d) ln(1 - d)) / 2, whose error for a small d is small beside d itself.
    let side = |d: f64| if d > -1.0 { (1.0 + d) * d.ln_1p() } else { 0.0 };
    let cells = table.shares().map(|[p, q]| {
        let d = (p - q) / (p + q);
        (p + q) * (side(d) + side(-d)) / 4.0
    });
    cells.sum::<f64>().max(0.0)
}

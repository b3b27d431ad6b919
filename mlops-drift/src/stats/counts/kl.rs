//! The Kullback–Leibler divergence.

use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::{contingency::Table, psi::checked_pseudo_count};

/// How [`kl_divergence`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KlOptions {
    /// What is added to each count, before shares are taken; not negative.
    pub pseudo_count: f64,
}

impl Default for KlOptions {
    /// One half is added: the mean of the posterior with Jeffreys' prior.
    fn default() -> Self {
        Self { pseudo_count: 0.5 }
    }
}

impl KlOptions {
    /// With this much added to each count.
    #[must_use]
    pub fn with_pseudo_count(mut self, pseudo_count: f64) -> Self {
        self.pseudo_count = pseudo_count;
        self
    }
}

/// The Kullback–Leibler divergence of the current shares from those of the reference,
/// `Σ p_i ln(p_i / q_i)`, in nats (Kullback and Leibler 1951; as `scipy.stats.entropy(p, q)` without a
/// pseudo-count).
///
/// It is not symmetric. Shares are of counts to which one half is added, `p_i = (x_i + ½) / (n + K/2)`, so
/// that an empty cell does not make it infinite; without a pseudo-count it is infinite if the reference
/// has rows in a cell where the current sample has none.
///
/// # Errors
/// As [the module](super) says; [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) for a
/// pseudo-count that is negative or not finite.
pub fn kl_divergence(reference: &[u64], current: &[u64], options: &KlOptions) -> Result<f64> {
    let extra = checked_pseudo_count(options.pseudo_count)?;
    let table = Table::new(reference, current)?;
    let added = extra * table.cells.len() as f64;
    let cells = table.cells.iter().map(|[x, y]| {
        let p = (x + extra) / (table.reference + added);
        let q = (y + extra) / (table.current + added);
        // Each term has q - p added, which sums to nothing: so none is negative, and where shares are
        // nearly equal nothing is lost to cancellation.
        if p == 0.0 {
            return q;
        }
        let excess = (q - p) / p;
        p * (excess - excess.ln_1p())
    });
    Ok(cells.sum::<f64>().max(0.0))
}

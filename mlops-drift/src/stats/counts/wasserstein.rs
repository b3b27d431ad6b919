//! The Wasserstein distance, from bins that keep sums.

use mlops_core::{Error, Result};

use super::contingency::Table;

/// One sample in bins, as [`wasserstein_bins`] takes it.
#[derive(Debug, Clone, Copy)]
pub struct BinSums<'a> {
    /// Rows in each bin.
    pub counts: &'a [u64],
    /// For each bin, the sum over its rows of how far the value is above the bin's lower edge; for the
    /// first bin, which has none, above its upper edge (a sum that is not positive).
    pub offsets: &'a [f64],
}

/// The first Wasserstein distance `∫ |F(t) - G(t)| dt`, from the count and the sum in each bin; in the unit
/// of the values.
///
/// Bin `i` holds the values `edges[i - 1] ≤ value < edges[i]`; the first and the last have no lower and no
/// upper edge. Count and sum of a bin give `∫ (F - G)` over it exactly; the distance is the sum of the
/// absolute values of these. So it is exact unless `F - G` changes its sign inside a bin, and then it is
/// too small, by no more than that bin contributes. Offsets, rather than values, are summed so that a
/// difference does not drown in values far from 0.
///
/// # Errors
/// As [the module](super) says; [`Error::InvalidArgument`] also unless edges are finite and increase,
/// each sample has one bin more than there are edges, and sums are finite and those of empty bins 0.
pub fn wasserstein_bins(
    edges: &[f64],
    reference: BinSums<'_>,
    current: BinSums<'_>,
) -> Result<f64> {
    if let Some(index) = edges.iter().position(|edge| !edge.is_finite()) {
        return Err(Error::invalid("edges", format!("edge {index} is {}", edges[index])));
    }
    if let Some(index) = edges.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(Error::invalid("edges", format!("edge {} is not above the last", index + 1)));
    }
    reference.check("reference bins", edges)?;
    current.check("current bins", edges)?;
    let table = Table::new(reference.counts, current.counts)?;
    let (n, m) = (table.reference, table.current);
    let mut rows = [0_u128; 2];
    let mut distance = 0.0_f64;
    for bin in 0..=edges.len() {
        rows[0] += u128::from(reference.counts[bin]);
        rows[1] += u128::from(current.counts[bin]);
        // Over a bin with both edges, ∫ F = (upper - lower) F(upper) - offsets / n. Of the outer two, one
        // has F and G both 0 at its far end, the other both 1: only the offsets are left.
        let inner = if bin == 0 || bin == edges.len() {
            0.0
        } else {
            let difference = rows[0] as f64 / n - rows[1] as f64 / m;
            2.0 * ((edges[bin] / 2.0 - edges[bin - 1] / 2.0) * difference)
        };
        let outer = reference.offsets[bin] / n - current.offsets[bin] / m;
        distance += (inner - outer).abs();
    }
    Ok(distance.min(f64::MAX))
}

impl BinSums<'_> {
    fn check(self, what: &'static str, edges: &[f64]) -> Result<()> {
        let bins = edges.len() + 1;
        if self.counts.len() != bins || self.offsets.len() != bins {
            let reason = format!(
                "{} counts and {} sums, where {} edges make {bins} bins",
                self.counts.len(),
                self.offsets.len(),
                edges.len(),
            );
            return Err(Error::invalid(what, reason));
        }
        for (bin, (count, offset)) in self.counts.iter().zip(self.offsets).enumerate() {
            if !offset.is_finite() || (*count == 0 && *offset != 0.0) {
                let reason = format!("bin {bin} has {count} rows and the sum {offset}");
                return Err(Error::invalid(what, reason));
            }
        }
        Ok(())
    }
}

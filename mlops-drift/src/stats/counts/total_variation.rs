//! The total variation distance, and the largest difference of a share.

use mlops_core::Result;

use super::contingency::Table;

/// The total variation distance `½ Σ |p_i - q_i|`: how large a share of the rows would have to change
/// their cell to make the samples alike.
///
/// A metric, from 0 for equal shares to 1 for samples that have no cell in common.
///
/// # Errors
/// As [the module](super) says.
pub fn total_variation(reference: &[u64], current: &[u64]) -> Result<f64> {
    let table = Table::new(reference, current)?;
    let sum: f64 = table.shares().map(|[p, q]| (p - q).abs()).sum();
    // Rounding must not take it beyond the end of its range.
    Ok((sum / 2.0).min(1.0))
}

/// The largest difference of a share `max |p_i - q_i|`, the L∞ distance (Chebyshev's), in `[0, 1]`.
///
/// # Errors
/// As [the module](super) says.
pub fn largest_difference(reference: &[u64], current: &[u64]) -> Result<f64> {
    let table = Table::new(reference, current)?;
    Ok(table.shares().map(|[p, q]| (p - q).abs()).fold(0.0, f64::max))
}

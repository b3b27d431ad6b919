//! The Hellinger distance.

use mlops_core::Result;

use super::contingency::Table;

/// The Hellinger distance `√(½ Σ (√p_i - √q_i)²)`, which is `√(1 - Σ √(p_i q_i))` (Hellinger 1909).
///
/// A metric, from 0 for equal shares to 1 for samples that have no cell in common.
///
/// # Errors
/// As [the module](super) says.
pub fn hellinger(reference: &[u64], current: &[u64]) -> Result<f64> {
    let table = Table::new(reference, current)?;
    let sum: f64 = table.shares().map(|[p, q]| (p.sqrt() - q.sqrt()).powi(2)).sum();
    // Rounding must not take it beyond the end of its range.
    Ok((sum / 2.0).sqrt().min(1.0))
}

//! The energy distance.

use super::{Sample, ecdf};

/// The energy distance, `√(2 ∫ (F1(x) - F2(x))² dx)`, where `F1` and `F2` are the samples' empirical
/// distribution functions: `√(2 E|X-Y| - E|X-X'| - E|Y-Y'|)` (Székely & Rizzo 2013), in the root of the
/// unit of the values. SciPy's `energy_distance`. Never infinite.
#[must_use]
pub fn distance(first: &Sample, second: &Sample) -> f64 {
    let unit = 1.0 / (first.len() as f64 * second.len() as f64);
    let mut sum = 0.0;
    ecdf::walk(first, second, |difference, from, to| {
        let difference = difference as f64 * unit;
        // Halves, so that the widest stretch does not overflow.
        sum += difference * difference * (to * 0.5 - from * 0.5);
    });
    2.0 * sum.sqrt()
}

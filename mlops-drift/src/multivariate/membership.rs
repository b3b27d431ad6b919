//! Which rows are in the first sample, for what was observed and for all permutations at once.

use mlops_core::{Error, Result, random::RandomKey};
use ndarray::Array2;

use crate::stats::permutation::PermutationOptions;

/// A gibibyte.
const MAX_CELLS: usize = 1 << 27;

/// A matrix of pooled rows × (1 + permutations) that is 1 where a row is in the first sample and 0 where
/// it is in the second: in column 0 as it was observed, in the others by chance. A product with it does the
/// work of all permutations at the speed of a matrix product.
pub(super) fn matrix(
    first: usize,
    total: usize,
    options: PermutationOptions,
) -> Result<Array2<f64>> {
    if options.permutations == 0 {
        return Err(Error::invalid("permutations", "0; at least one is needed"));
    }
    let columns = options.permutations as usize + 1;
    let cells = total.saturating_mul(columns);
    if cells > MAX_CELLS {
        return Err(Error::TooLarge {
            what: "permutation test (rows x permutations)",
            actual: cells as u64,
            limit: MAX_CELLS as u64,
        });
    }
    let mut members = Array2::zeros((total, columns));
    members.slice_mut(ndarray::s![..first, 0]).fill(1.0);
    let key = RandomKey::from_seed(options.seed).derive("permutation of rows");
    let mut streams: Vec<_> =
        (1..columns).map(|permutation| (key.stream(permutation as u64), first as u64)).collect();
    // Each subset of this size with the same probability (Knuth, algorithm 3.4.2 S), row by row because
    // that is how the matrix lies in memory.
    for (index, mut row) in members.rows_mut().into_iter().enumerate() {
        let left = (total - index) as u64;
        for ((random, wanted), member) in streams.iter_mut().zip(row.iter_mut().skip(1)) {
            if random.next_below(left) < *wanted {
                *member = 1.0;
                *wanted -= 1;
            }
        }
    }
    Ok(members)
}

/// `(b + 1) / (m + 1)` where `b` of `m` permutations have a statistic at least as large as the observed
/// one, which comes first, give or take `rounding`.
pub(super) fn p_value(statistics: &[f64], rounding: f64) -> f64 {
    let as_extreme = statistics[1..].iter().filter(|other| **other >= statistics[0] - rounding);
    (as_extreme.count() as f64 + 1.0) / statistics.len() as f64
}

//! Fisher's exact test.

use crate::{
    Error, Result,
    stats::{Alternative, TestResult, hypergeometric},
};

/// Fisher's exact test of the table `[[a, b], [c, d]]`; `fisher_exact` of scipy.
///
/// The statistic is the sample odds ratio `ad / bc`, infinite if `bc` is 0. With the margins held, `a` is hypergeometric; the
/// p-value is the probability of an `a` at most ([`Less`](Alternative::Less)) or at least
/// ([`Greater`](Alternative::Greater)) as large, or of one that is no more probable
/// ([`TwoSided`](Alternative::TwoSided)). Probabilities within 1e-12 of one another are taken as equal,
/// since they are no better known. Where a row or a column is empty, nothing could differ: the statistic
/// is 1 and so is the p-value.
///
/// # Errors
/// [`Error::InvalidArgument`] if the counts sum to 2^53 or more.
pub fn fisher_exact_test(table: [[u64; 2]; 2], alternative: Alternative) -> Result<TestResult> {
    let [[a, b], [c, d]] = table;
    let total = [b, c, d].iter().try_fold(a, |sum, count| sum.checked_add(*count));
    let Some(total) = total.filter(|total| *total < 1 << 53) else {
        return Err(Error::invalid("table", "its counts sum to 2^53 or more"));
    };
    let (row, column) = (a + b, a + c);
    if [row, column, total - row, total - column].contains(&0) {
        return Ok(TestResult { statistic: 1.0, p_value: 1.0 });
    }
    let products = (a as f64 * d as f64, b as f64 * c as f64);
    let at_most = |k| hypergeometric::cdf(k, total, column, row);
    // `sf` is of more than k.
    let at_least =
        |k: u64| k.checked_sub(1).map_or(1.0, |k| hypergeometric::sf(k, total, column, row));
    let p_value = match alternative {
        Alternative::Less => at_most(a),
        Alternative::Greater => at_least(a),
        Alternative::TwoSided => {
            let limit = hypergeometric::pmf(a, total, column, row) * (1.0 + 1e-12);
            let rare = |k| hypergeometric::pmf(k, total, column, row) <= limit;
            let mode = hypergeometric::mode(total, column, row);
            let (least, most) = hypergeometric::support(total, column, row);
            // Masses rise up to the mode and fall from there, so on each side the rare ones are outside.
            let sum = if rare(mode) {
                1.0
            } else if a < mode {
                at_most(a) + at_least(first(mode + 1, most + 1, rare))
            } else {
                let common = first(least, mode, |k| !rare(k));
                at_least(a) + common.checked_sub(1).map_or(0.0, at_most)
            };
            sum.min(1.0)
        }
    };
    Ok(TestResult { statistic: products.0 / products.1, p_value })
}

/// The first of `low..end` where `holds`, which does so from some value on; `end` if there is none.
fn first(low: u64, end: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

//! The z test of two proportions.

use super::Proportion;
use crate::stats::{Alternative, TestResult, normal};

/// The pooled z test that two proportions are the same; `proportions_ztest` of statsmodels.
///
/// `z = (p₁ - p₂) / √(p (1 - p) (1/n₁ + 1/n₂))` with `p` of both samples together, against the normal
/// distribution: right for large counts; [`fisher_exact_test`](super::fisher_exact_test) is for small
/// ones. If all trials of both succeeded, or none did, the statistic is 0 and the p-value 1.
#[must_use]
pub fn two_proportion_z_test(
    first: &Proportion,
    second: &Proportion,
    alternative: Alternative,
) -> TestResult {
    let sum = |a: u64, b: u64| (u128::from(a) + u128::from(b)) as f64;
    let successes = sum(first.successes, second.successes);
    let failures = sum(first.failures(), second.failures());
    if successes == 0.0 || failures == 0.0 {
        return TestResult { statistic: 0.0, p_value: 1.0 };
    }
    // p₁ - p₂ is (ad - bc) / (n₁ n₂), where integers do not cancel: only its sign has to be found.
    let cross = |a: u64, b: u64| u128::from(a) * u128::from(b);
    let ours = cross(first.successes, second.failures());
    let theirs = cross(second.successes, first.failures());
    let size = ours.abs_diff(theirs) as f64;
    let (n, m) = (first.trials as f64, second.trials as f64);
    let statistic = size * ((n + m) / n / m / successes / failures).sqrt();
    let statistic = if ours < theirs { -statistic } else { statistic };
    TestResult { statistic, p_value: alternative.p_value(statistic, normal::sf) }
}

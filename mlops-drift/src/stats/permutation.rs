//! A test for any statistic of two samples.

use mlops_core::{Error, Result, random::RandomKey, stats::TestResult};
use serde::{Deserialize, Serialize};

use super::Sample;

/// How a permutation test is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PermutationOptions {
    /// How many random permutations are compared with what was observed; by default 999, so that the
    /// smallest probability is 0.001.
    pub permutations: u32,
    /// What the random numbers are made from: the same seed gives the same result.
    pub seed: u64,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        Self { permutations: 999, seed: 0 }
    }
}

impl PermutationOptions {
    /// With so many permutations.
    #[must_use]
    pub fn with_permutations(mut self, permutations: u32) -> Self {
        self.permutations = permutations;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// A permutation test: how probable is a `statistic` at least as large as that of the two samples, if
/// which value is in which sample is chance? Exact at any size, with ties too: the probability is
/// `(b + 1) / (m + 1)` where `b` of `m` random permutations have a statistic at least as large, and
/// never zero (Phipson & Smyth 2010).
///
/// Only larger is more extreme: for a statistic with a sign, give its absolute value. Two statistics
/// are equal if they differ by no more than 1e-14 of their size, as they do by rounding. Each permutation
/// takes a pass over the values, and the statistic; nothing is sorted again.
///
/// ```
/// use mlops_drift::stats::{Sample, permutation::{self, PermutationOptions}, wasserstein};
///
/// let reference = Sample::new("reference", (0..50).map(f64::from).collect())?;
/// let current = Sample::new("current", (0..50).map(|i| f64::from(i) * 1.1 + 20.0).collect())?;
/// let options = PermutationOptions::default().with_seed(7);
/// let result = permutation::test(&reference, &current, options, wasserstein::distance)?;
/// assert_eq!(result.p_value, 0.001);
/// # Ok::<(), mlops_core::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidArgument`] if `permutations` is zero, or if `statistic` returns NaN.
pub fn test(
    first: &Sample,
    second: &Sample,
    options: PermutationOptions,
    statistic: impl Fn(&Sample, &Sample) -> f64,
) -> Result<TestResult> {
    if options.permutations == 0 {
        return Err(Error::invalid("permutations", "0; at least one is needed"));
    }
    let checked = |a: &Sample, b: &Sample| {
        let found = statistic(a, b);
        if found.is_nan() { Err(Error::invalid("statistic", "NaN")) } else { Ok(found) }
    };
    let observed = checked(first, second)?;
    let enough = if observed.is_finite() { observed - 1e-14 * observed.abs() } else { observed };

    let mut pooled = [first.values(), second.values()].concat();
    pooled.sort_unstable_by(f64::total_cmp);
    let mut a = Sample::with_capacity(first.name(), first.len());
    let mut b = Sample::with_capacity(second.name(), second.len());
    let key = RandomKey::from_seed(options.seed).derive("permutation test");
    let mut as_extreme = 0_u32;
    for permutation in 0..options.permutations {
        // Each subset of this size with the same probability, in order (Knuth, algorithm 3.4.2 S):
        // both parts come out sorted.
        let mut random = key.stream(u64::from(permutation));
        let (into_a, into_b) = (a.refill(), b.refill());
        let mut wanted = first.len() as u64;
        for (index, value) in pooled.iter().enumerate() {
            if random.next_below((pooled.len() - index) as u64) < wanted {
                into_a.push(*value);
                wanted -= 1;
            } else {
                into_b.push(*value);
            }
        }
        as_extreme += u32::from(checked(&a, &b)? >= enough);
    }
    let p_value = (f64::from(as_extreme) + 1.0) / (f64::from(options.permutations) + 1.0);
    Ok(TestResult { statistic: observed, p_value })
}

//! [`test()`].

use mlops_core::{
    Error, Result,
    stats::{Alternative, TestResult},
};
use serde::{Deserialize, Serialize};

use super::exact::{self, Sides};
use crate::stats::{Sample, ecdf, kolmogorov};

/// What a Kolmogorov-Smirnov test is to look for, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KsOptions {
    /// Which differences count; by default any.
    pub alternative: Alternative,
    /// Which law the probability is from; by default the exact one where it is cheap.
    pub method: KsMethod,
}

impl KsOptions {
    /// With this alternative.
    #[must_use]
    pub fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// With this law.
    #[must_use]
    pub fn with_method(mut self, method: KsMethod) -> Self {
        self.method = method;
        self
    }
}

/// Which law a Kolmogorov-Smirnov test's probability is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KsMethod {
    /// [`Exact`](Self::Exact) if neither sample has more than 10 000 values, otherwise
    /// [`Asymptotic`](Self::Asymptotic): SciPy's rule.
    #[default]
    Auto,
    /// The exact law of two samples without ties (with them, the probability is too large rather than
    /// too small). Takes time in proportion to `n` for equal sizes, otherwise to `n1 n2 D`: up to
    /// some 50 ms at 10 000 values.
    Exact,
    /// The law of one sample of `n1 n2 / (n1 + n2)` values for two-sided tests, see
    /// [`kolmogorov::sf`]; Hodges' (1958) approximation (5.3) for one-sided ones.
    Asymptotic,
}

/// What a Kolmogorov-Smirnov test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KsResult {
    /// The largest difference, in `[0, 1]`.
    pub statistic: f64,
    /// How probable one as large is if both samples are from one distribution.
    pub p_value: f64,
    /// The smallest value at which the difference is the largest.
    pub location: f64,
    /// Which sample has the larger share of values up to there.
    pub sign: KsSign,
}

/// Which of two empirical distribution functions is above the other where they differ most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KsSign {
    /// The first sample's: its values tend to be smaller there.
    First,
    /// The second sample's.
    Second,
}

impl From<KsResult> for TestResult {
    fn from(result: KsResult) -> Self {
        Self { statistic: result.statistic, p_value: result.p_value }
    }
}

/// The two-sample Kolmogorov-Smirnov test: `D = max |F1(x) - F2(x)|` over all `x`, where `F1` and
/// `F2` are the samples' empirical distribution functions. SciPy's `ks_2samp`.
///
/// [`Alternative::Less`] (the first sample tends to smaller values) takes `max (F1 - F2)`, which SciPy
/// calls `greater`, after the functions; [`Alternative::Greater`] takes `max (F2 - F1)`. Of two
/// differences equally large, a two-sided test reports `F1 > F2`. Samples that differ nowhere have the
/// statistic 0 and the probability 1. Ties make the test conservative.
///
/// ```
/// use mlops_drift::stats::{Sample, ks};
///
/// let reference = Sample::new("reference", (0..100).map(f64::from).collect())?;
/// let current = Sample::new("current", (30..130).map(f64::from).collect())?;
/// let result = ks::test(&reference, &current, ks::KsOptions::default())?;
/// assert_eq!((result.statistic, result.location), (0.3, 29.0));
/// assert!(result.p_value < 0.001);
/// # Ok::<(), mlops_core::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidArgument`] if [`KsMethod::Exact`] is asked for where it would take more than some
/// seconds: sizes that differ, and whose product is more than 10^10.
pub fn test(first: &Sample, second: &Sample, options: KsOptions) -> Result<KsResult> {
    let found = ecdf::extremes(first, second);
    let upper = match options.alternative {
        Alternative::TwoSided => found.above >= found.below,
        Alternative::Less => true,
        Alternative::Greater => false,
    };
    let (reach, location, sign) = if upper {
        (found.above, found.above_at, KsSign::First)
    } else {
        (found.below, found.below_at, KsSign::Second)
    };
    let (n1, n2) = (first.len() as u64, second.len() as u64);
    let exact = match options.method {
        KsMethod::Auto => n1.max(n2) <= MAX_EXACT,
        KsMethod::Exact => true,
        KsMethod::Asymptotic => false,
    };
    if exact && n1 != n2 && n1 * n2 > MAX_LATTICE {
        let reason = format!("the exact law of {n1} and {n2} values takes too long");
        return Err(Error::invalid("method", reason));
    }
    let statistic = reach as f64 / (n1 * n2) as f64;
    let p_value = match (exact, options.alternative) {
        (true, Alternative::TwoSided) => exact::sf(n1, n2, reach as u64, Sides::Both),
        (true, _) => exact::sf(n1, n2, reach as u64, Sides::One),
        (false, Alternative::TwoSided) => limit_p_value(n1, n2, statistic),
        (false, _) => hodges(n1 as f64, n2 as f64, statistic),
    };
    Ok(KsResult { statistic, p_value, location, sign })
}

/// How probable a distance of at least this is on either side, by [`KsMethod::Auto`].
pub(crate) fn p_value(n1: u64, n2: u64, distance: f64) -> f64 {
    if n1.max(n2) > MAX_EXACT {
        return limit_p_value(n1, n2, distance);
    }
    // A whole number but for rounding.
    exact::sf(n1, n2, (distance * (n1 * n2) as f64).round() as u64, Sides::Both)
}

/// The law of one sample, of as many values as two are worth.
fn limit_p_value(n1: u64, n2: u64, distance: f64) -> f64 {
    let (n1, n2) = (n1 as f64, n2 as f64);
    let count = (n1 * n2 / (n1 + n2)).round_ties_even();
    kolmogorov::sf(distance, (count as u64).max(1))
}

/// The largest size for which [`KsMethod::Auto`] is exact.
const MAX_EXACT: u64 = 10_000;

/// Points of the lattice that [`KsMethod::Exact`] may have for unequal sizes.
const MAX_LATTICE: u64 = 10_000_000_000;

/// Hodges (1958), (5.3): the limit `exp(-2z²)`, with its first correction for the sizes.
fn hodges(n1: f64, n2: f64, statistic: f64) -> f64 {
    let (more, fewer) = (n1.max(n2), n1.min(n2));
    let z = (more * fewer / (more + fewer)).sqrt() * statistic;
    let correction = (more + 2.0 * fewer) / (more * fewer * (more + fewer)).sqrt();
    (-2.0 * z * z - 2.0 * z * correction / 3.0).exp().min(1.0)
}

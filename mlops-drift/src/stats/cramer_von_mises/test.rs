//! [`test()`].

use mlops_core::{Error, Result, stats::TestResult};
use serde::{Deserialize, Serialize};

use super::{exact, limit_sf, ties::Tied};
use crate::stats::{Sample, ecdf};

/// How a Cramér-von Mises test finds its probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CramerVonMisesOptions {
    /// Which law the probability is from; by default the exact one for small samples.
    pub method: CramerVonMisesMethod,
    /// What is done about values that occur more than once.
    pub ties: CramerVonMisesTies,
}

impl CramerVonMisesOptions {
    /// With this law.
    #[must_use]
    pub fn with_method(mut self, method: CramerVonMisesMethod) -> Self {
        self.method = method;
        self
    }

    /// With this treatment of ties.
    #[must_use]
    pub fn with_ties(mut self, ties: CramerVonMisesTies) -> Self {
        self.ties = ties;
        self
    }
}

/// Which law a Cramér-von Mises test's probability is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CramerVonMisesMethod {
    /// [`Exact`](Self::Exact) if neither sample has more than 20 values and none is tied, otherwise
    /// [`Asymptotic`](Self::Asymptotic).
    #[default]
    Auto,
    /// The exact law of two samples without ties, of at most 20 values each.
    Exact,
    /// The [limiting law](limit_sf) of the statistic, moved and scaled to the mean and the variance
    /// it has for samples of these sizes (Anderson 1962).
    Asymptotic,
}

/// What a Cramér-von Mises test does about values that occur more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CramerVonMisesTies {
    /// The statistic is the integral of its definition, moved and scaled to the mean and variance that it
    /// has with these ties.
    #[default]
    Corrected,
    /// SciPy's: the formula for ranks is given mid-ranks, and the law is that without ties. The statistic is
    /// then no distance of the distributions: of 300 and 2000 rounded numbers of one distribution, with
    /// 40 different values, it finds a difference every time.
    MidRanks,
}

/// The two-sample Cramér-von Mises test: `T = n1 n2 / (n1 + n2) ∫ (F1 - F2)² dH`, where `F1` and `F2`
/// are the empirical distribution functions of the samples and `H` of both together (Anderson 1962).
/// SciPy's `cramervonmises_2samp`, where nothing is tied.
///
/// It looks at the whole distribution where [`ks`](crate::stats::ks) looks at one point, and finds most
/// smooth changes with fewer values. Without ties the statistic is computed in integers: it is exact but
/// for its last bit, at any size.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if a sample has fewer than two values, or if
/// [`CramerVonMisesMethod::Exact`] is asked for with more than 20, or with ties that are to be corrected.
pub fn test(first: &Sample, second: &Sample, options: CramerVonMisesOptions) -> Result<TestResult> {
    first.at_least(2)?;
    second.at_least(2)?;
    let (n1, n2) = (first.len() as u64, second.len() as u64);
    let tied = match options.ties {
        CramerVonMisesTies::Corrected => Tied::new(first, second),
        CramerVonMisesTies::MidRanks => None,
    };
    let exact = match options.method {
        CramerVonMisesMethod::Auto => n1.max(n2) <= MAX_EXACT && tied.is_none(),
        CramerVonMisesMethod::Exact => true,
        CramerVonMisesMethod::Asymptotic => false,
    };
    if exact && n1.max(n2) > MAX_EXACT {
        let reason = format!("the exact law is for at most {MAX_EXACT} values, not {n1} and {n2}");
        return Err(Error::invalid("method", reason));
    }
    if let Some(Tied { statistic, mean, variance_ratio }) = tied {
        if exact {
            let reason = "the exact law is of values without ties, and some are tied";
            return Err(Error::invalid("method", reason));
        }
        // All values are one.
        if variance_ratio == 0.0 {
            return Ok(TestResult { statistic: 0.0, p_value: 1.0 });
        }
        let variance = variance_ratio * variance(n1 as f64, n2 as f64);
        let p_value = limit_sf(normalised(statistic, mean, variance));
        return Ok(TestResult { statistic, p_value });
    }
    let numerator = numerator(first, second);
    let (pairs, total) = (i128::from(n1 * n2), i128::from(n1 + n2));
    let statistic = numerator as f64 / (24.0 * pairs as f64 * total as f64);
    let p_value = if exact {
        let multiple = pairs / i128::from(exact::gcd(n1, n2));
        let zeta = (multiple * multiple * total * numerator).div_euclid(24 * pairs * pairs);
        exact::sf(n1, n2, zeta)
    } else {
        let mean = (1.0 + 1.0 / total as f64) / 6.0;
        limit_sf(normalised(statistic, mean, variance(n1 as f64, n2 as f64)))
    };
    Ok(TestResult { statistic, p_value })
}

/// The largest size for which [`CramerVonMisesMethod::Exact`] is possible.
const MAX_EXACT: u64 = 20;

/// `24 n1 n2 (n1 + n2) T`, which is `24 U - 4 n1 n2 (4 n1 n2 - 1)`, where `U` is
/// `n1 Σ (r_i - i)² + n2 Σ (s_j - j)²` over the mid-ranks `r` and `s` of the samples' values among all
/// (Anderson 1962, equations 9 and 10).
fn numerator(first: &Sample, second: &Sample) -> i128 {
    // Sums of (2r - 2i)² for each sample.
    let (mut of_first, mut of_second) = (0, 0);
    ecdf::groups(first, second, |group| {
        let size = group.first + group.second;
        of_first += squares(2 * group.second_before + size + 1, group.first);
        of_second += squares(2 * group.first_before + size + 1, group.second);
    });
    let (n1, n2) = (first.len() as i128, second.len() as i128);
    6 * (n1 * of_first + n2 * of_second) - 4 * n1 * n2 * (4 * n1 * n2 - 1)
}

/// `Σ_{k=1}^{count} (start - 2k)²`.
fn squares(start: u64, count: u64) -> i128 {
    match count {
        0 => 0,
        // Without ties, it is always one of these, and within 64 bits.
        1 => i128::from((start - 2) * (start - 2)),
        _ => {
            let (start, count) = (i128::from(start), i128::from(count));
            count * start * start - 2 * start * count * (count + 1)
                + 2 * count * (count + 1) * (2 * count + 1) / 3
        }
    }
}

/// The variance of the statistic without ties (Anderson 1962, equation 14).
fn variance(n1: f64, n2: f64) -> f64 {
    let (pairs, total) = (n1 * n2, n1 + n2);
    (total + 1.0) * (4.0 * pairs * total - 3.0 * (n1 * n1 + n2 * n2) - 2.0 * pairs)
        / (180.0 * total * total * pairs)
}

/// The statistic on the scale of its limit (Anderson 1962, equation 15).
fn normalised(statistic: f64, mean: f64, variance: f64) -> f64 {
    1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt()
}

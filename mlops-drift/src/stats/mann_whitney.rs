//! The Mann-Whitney U test, or Wilcoxon rank-sum test.

use mlops_core::{
    Error, Result,
    stats::{Alternative, TestResult, normal},
};
use serde::{Deserialize, Serialize};

use super::{Sample, ecdf};

/// What a Mann-Whitney test is to look for, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MannWhitneyOptions {
    /// Which differences count; by default any.
    pub alternative: Alternative,
    /// Which law the probability is from; by default the exact one for a small sample without ties.
    pub method: MannWhitneyMethod,
}

impl MannWhitneyOptions {
    /// With this alternative.
    #[must_use]
    pub fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// With this law.
    #[must_use]
    pub fn with_method(mut self, method: MannWhitneyMethod) -> Self {
        self.method = method;
        self
    }
}

/// Which law a Mann-Whitney test's probability is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MannWhitneyMethod {
    /// [`Exact`](Self::Exact) if one of the samples has at most 8 values and there are no ties,
    /// otherwise [`Normal`](Self::Normal): SciPy's rule, here as long as `n1 n2` is at most 10^7.
    #[default]
    Auto,
    /// The exact law, of samples without ties. Takes time in proportion to `n1 n2 min(n1, n2)`.
    Exact,
    /// The normal limit, with its variance corrected for ties, and half a step of `U` for
    /// continuity.
    Normal,
}

/// The Mann-Whitney test: the statistic is `U`, of how many pairs of a value of the first and one of
/// the second sample the first is larger, ties counted as halves. `U / (n1 n2)` is the area under the
/// ROC curve. SciPy's `mannwhitneyu`, two-sided by default.
///
/// It finds that one sample tends to larger values. If spreads may differ too, prefer
/// [`brunner_munzel`](super::brunner_munzel). Samples of one and the same value have the probability 1.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if [`MannWhitneyMethod::Exact`] is asked for with ties, or with sizes for
/// which it would take more than some seconds (`n1 n2 min(n1, n2)` over 10^10).
pub fn test(first: &Sample, second: &Sample, options: MannWhitneyOptions) -> Result<TestResult> {
    let ranks = Ranks::of(first, second);
    let Ranks { n1, n2, twice_u, ties } = ranks;
    let exact = match options.method {
        MannWhitneyMethod::Auto => ties == 0 && n1.min(n2) <= 8 && n1 * n2 <= 10_000_000,
        MannWhitneyMethod::Exact => true,
        MannWhitneyMethod::Normal => false,
    };
    if options.method == MannWhitneyMethod::Exact {
        if ties > 0 {
            return Err(Error::invalid("method", "the exact law holds for samples without ties"));
        }
        if u128::from(n1 * n2) * u128::from(n1.min(n2)) > 10_000_000_000 {
            let reason = format!("the exact law of {n1} and {n2} values takes too long");
            return Err(Error::invalid("method", reason));
        }
    }
    let p_value = if exact {
        exact_p(n1, n2, twice_u / 2, options.alternative)
    } else {
        normal_p(ranks.excess(), ranks.variance(), options.alternative)
    };
    Ok(TestResult { statistic: twice_u as f64 / 2.0, p_value })
}

/// The test of several pairs of samples at once, each compared only within itself (van Elteren 1960): the
/// statistic is the sum of the pairs' `U`, the probability from the normal limit, with variances corrected
/// for ties and half a step for continuity. For groups that differ in what is no matter here: segments,
/// folds of a cross-validation.
///
/// Without pairs, or if all values within each are the same, the probability is 1.
#[must_use]
pub fn stratified(pairs: &[(Sample, Sample)], alternative: Alternative) -> TestResult {
    let ranks: Vec<_> = pairs.iter().map(|(first, second)| Ranks::of(first, second)).collect();
    let sum = |of: fn(&Ranks) -> f64| ranks.iter().map(of).sum::<f64>();
    let p_value = normal_p(sum(Ranks::excess), sum(Ranks::variance), alternative);
    TestResult { statistic: sum(|ranks| ranks.twice_u as f64 / 2.0), p_value }
}

/// What the test needs of two samples.
#[derive(Debug, Clone, Copy)]
struct Ranks {
    n1: u64,
    n2: u64,
    /// Twice U, and the sum of t³ - t over groups of t equal values: exact.
    twice_u: u64,
    ties: u128,
}

impl Ranks {
    fn of(first: &Sample, second: &Sample) -> Self {
        let (n1, n2) = (first.len() as u64, second.len() as u64);
        let mut ranks = Self { n1, n2, twice_u: 0, ties: 0 };
        ecdf::groups(first, second, |group| {
            ranks.twice_u += group.first * (2 * group.second_before + group.second);
            let size = u128::from(group.first + group.second);
            ranks.ties += size * (size * size - 1);
        });
        ranks
    }

    /// U less its mean.
    fn excess(&self) -> f64 {
        (self.twice_u as f64 - self.n1 as f64 * self.n2 as f64) / 2.0
    }

    fn variance(&self) -> f64 {
        let total = u128::from(self.n1 + self.n2);
        // `(N + 1) - ties / (N (N - 1))` over one divisor, so that it is exactly zero for one value.
        let spread = total * (total * total - 1) - self.ties;
        let n = total as f64;
        self.n1 as f64 * self.n2 as f64 / 12.0 * (spread as f64 / (n * (n - 1.0)))
    }
}

fn exact_p(n1: u64, n2: u64, u: u64, alternative: Alternative) -> f64 {
    let pairs = n1 * n2;
    // The law is symmetric: every question is how probable a U of at most so much is.
    let (at_most, sides) = match alternative {
        Alternative::TwoSided => (u.min(pairs - u), 2.0),
        Alternative::Less => (u, 1.0),
        Alternative::Greater => (pairs - u, 1.0),
    };
    let p = if 2 * at_most >= pairs {
        // More than the half: one less the other tail, of U at least one more.
        match (pairs - at_most).checked_sub(1) {
            Some(below) => 1.0 - lower_tail(n1, n2, below),
            None => 1.0,
        }
    } else {
        lower_tail(n1, n2, at_most)
    };
    (sides * p).min(1.0)
}

/// `P(U <= u)` where no values are equal, for `u` up to the half of `n1 n2`.
///
/// The number of orders with `U = u` is the coefficient of `q^u` of the Gaussian binomial
/// `Π_{i=1}^{n1} (1 - q^(n2+i)) / (1 - q^i)`. After each factor it is a law of its own: of `i` values
/// among `n2`, so that all is done in probabilities, and in place.
fn lower_tail(n1: u64, n2: u64, u: u64) -> f64 {
    let (few, many) = (n1.min(n2) as usize, n1.max(n2) as usize);
    let mut law = vec![0.0; u as usize + 1];
    law[0] = 1.0;
    for i in 1..=few {
        let shift = many + i;
        for value in (shift..law.len()).rev() {
            law[value] -= law[value - shift];
        }
        for value in i..law.len() {
            law[value] += law[value - i];
        }
        let scale = i as f64 / shift as f64;
        law.iter_mut().for_each(|probability| *probability *= scale);
    }
    law.iter().sum()
}

fn normal_p(excess: f64, variance: f64, alternative: Alternative) -> f64 {
    if variance == 0.0 {
        return 1.0;
    }
    let deviation = variance.sqrt();
    let p = match alternative {
        Alternative::TwoSided => normal::two_sided((excess.abs() - 0.5).max(0.0) / deviation),
        Alternative::Less => normal::cdf((excess + 0.5) / deviation),
        Alternative::Greater => normal::sf((excess - 0.5) / deviation),
    };
    p.min(1.0)
}

//! The Brunner-Munzel test.

use mlops_core::{
    Result,
    stats::{Alternative, TestResult, special, student_t},
};
use serde::{Deserialize, Serialize};

use super::{Sample, ecdf};

/// What a Brunner-Munzel test is to look for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BrunnerMunzelOptions {
    /// Which differences count; by default any.
    pub alternative: Alternative,
}

impl BrunnerMunzelOptions {
    /// With this alternative.
    #[must_use]
    pub fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }
}

/// The Brunner-Munzel test (2000) of `P(X < Y) + P(X = Y)/2 = 1/2`, which spreads and shapes that
/// differ do not disturb as they do [`mann_whitney`](super::mann_whitney): the statistic is the
/// difference of the mean ranks in units of its standard error, positive if the second sample tends to
/// larger values, and held to Student's t law with Satterthwaite's degrees of freedom. SciPy's
/// `brunnermunzel`.
///
/// If all values of one sample are less than all of the other's, there is no standard error: the
/// statistic is infinite, and the probability that of such an order among all,
/// `1 / C(n1 + n2, n1)`, twice for a two-sided test. (SciPy has NaN.) If all values are one, the statistic
/// is 0 and the probability 1.
///
/// # Errors
///
/// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) if a sample has fewer than two
/// values.
pub fn test(first: &Sample, second: &Sample, options: BrunnerMunzelOptions) -> Result<TestResult> {
    first.at_least(2)?;
    second.at_least(2)?;
    // Twice the placement of a value, that is, how many of the other sample are less, ties as halves:
    // its rank among all less its rank in its own sample. All sums are exact.
    let (mut of_first, mut of_second) = (Placements::default(), Placements::default());
    ecdf::groups(first, second, |group| {
        of_first.add(2 * group.second_before + group.second, group.first);
        of_second.add(2 * group.first_before + group.first, group.second);
    });
    // The mean ranks differ by (n1 + n2) / (n1 n2) times this.
    let excess = 0.25 * (of_second.sum as i128 - of_first.sum as i128) as f64;
    let (part1, part2) = (of_first.scaled_variance(), of_second.scaled_variance());
    if part1 + part2 == 0.0 {
        return Ok(without_spread(first, second, excess, options.alternative));
    }
    let statistic = excess / (part1 + part2).sqrt();
    let freedom = (part1 + part2).powi(2)
        / (part1 * part1 / (first.len() - 1) as f64 + part2 * part2 / (second.len() - 1) as f64);
    let p_value = match options.alternative {
        Alternative::TwoSided => student_t::two_sided(statistic, freedom),
        Alternative::Less => student_t::sf(statistic, freedom),
        Alternative::Greater => student_t::sf(-statistic, freedom),
    };
    Ok(TestResult { statistic, p_value })
}

/// Sums over twice the placements of one sample's values.
#[derive(Default)]
struct Placements {
    count: u128,
    sum: u128,
    squares: u128,
}

impl Placements {
    fn add(&mut self, twice: u64, count: u64) {
        let (twice, count) = (u128::from(twice), u128::from(count));
        self.count += count;
        self.sum += count * twice;
        self.squares += count * twice * twice;
    }

    /// The unbiased variance of the placements, times their number.
    fn scaled_variance(&self) -> f64 {
        let spread = self.count * self.squares - self.sum * self.sum;
        spread as f64 / (4 * (self.count - 1)) as f64
    }
}

/// If all placements in each sample are the same, the samples do not overlap, or all values are one.
fn without_spread(
    first: &Sample,
    second: &Sample,
    excess: f64,
    alternative: Alternative,
) -> TestResult {
    if excess == 0.0 {
        return TestResult { statistic: 0.0, p_value: 1.0 };
    }
    let (n1, n2) = (first.len() as u64, second.len() as u64);
    let one_order = (-special::ln_choose(n1 + n2, n1)).exp();
    let p_value = match (alternative, excess > 0.0) {
        (Alternative::TwoSided, _) => 2.0 * one_order,
        (Alternative::Less, true) | (Alternative::Greater, false) => one_order,
        (Alternative::Less, false) | (Alternative::Greater, true) => 1.0,
    };
    TestResult { statistic: f64::INFINITY.copysign(excess), p_value }
}

//! The test of two proportions that suits their counts.

use super::{Proportion, fisher_exact_test, two_proportion_z_test};
use crate::{
    Result,
    stats::{Alternative, TestResult},
};

/// Trials expected in a cell of the table of both, below which the normal distribution does not serve
/// (Cochran 1954, "Some methods for strengthening the common χ² tests").
const MIN_EXPECTED: f64 = 5.0;

/// True where fewer than five trials are expected in some cell of the table of both: then
/// [`two_proportion_test`] is the exact one.
#[must_use]
pub fn needs_exact_test(first: &Proportion, second: &Proportion) -> bool {
    let [n, m] = [first, second].map(|side| side.trials as f64);
    let successes = first.successes as f64 + second.successes as f64;
    let rarer = successes.min(n + m - successes);
    rarer * (n.min(m) / (n + m)) < MIN_EXPECTED
}

/// The test that two proportions are the same: [`fisher_exact_test`] where it
/// [is needed](needs_exact_test), otherwise [`two_proportion_z_test`]. The alternative is about the first.
///
/// # Errors
/// Those of [`fisher_exact_test`].
pub fn two_proportion_test(
    first: &Proportion,
    second: &Proportion,
    alternative: Alternative,
) -> Result<TestResult> {
    if needs_exact_test(first, second) {
        let table = [first, second].map(|side| [side.successes(), side.failures()]);
        return fisher_exact_test(table, alternative);
    }
    Ok(two_proportion_z_test(first, second, alternative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_tested_exactly_and_many_by_the_normal_law() {
        let share = |successes, trials| Proportion::new(successes, trials).unwrap();
        for (first, second, exact) in [
            (share(4, 100), share(5, 100), true),
            (share(5, 100), share(5, 100), false),
            (share(96, 100), share(95, 100), true),
            (share(0, 10), share(500, 1000), true),
            (share(300, 1000), share(2, 12), true),
        ] {
            assert_eq!(needs_exact_test(&first, &second), exact, "{first:?} {second:?}");
            let table = [first, second].map(|side| [side.successes(), side.failures()]);
            let expected = if exact {
                fisher_exact_test(table, Alternative::Less).unwrap()
            } else {
                two_proportion_z_test(&first, &second, Alternative::Less)
            };
            let found = two_proportion_test(&first, &second, Alternative::Less);
            assert_eq!(found.unwrap(), expected);
        }
    }
}

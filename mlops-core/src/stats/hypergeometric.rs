//! The hypergeometric distribution: successes among `draws` drawn without putting back from `total`, of
//! which `successes` are one.
//!
//! Counts up to 2^53 are exact. More successes or draws than there are in total are taken as all of them.

use super::special::{deviance_of, ln_factorial_rest};

/// How probable exactly `k` successes are; 0 where that cannot be.
///
/// The four cells of the table against their expectations, by the saddle-point expansion of Loader (2000):
/// right for totals of 1e9, where a sum of `ln Γ` has lost seven digits.
#[must_use]
pub fn pmf(k: u64, total: u64, successes: u64, draws: u64) -> f64 {
    Table::new(total, successes, draws).pmf(k)
}

/// How probable at most `k` successes are.
///
/// The smaller side is summed outwards from `k`, until nothing is added any more: some multiple of the
/// standard deviation of terms.
#[must_use]
pub fn cdf(k: u64, total: u64, successes: u64, draws: u64) -> f64 {
    let table = Table::new(total, successes, draws);
    if k < table.mode() { table.sum_down(k) } else { 1.0 - table.sum_up(k.saturating_add(1)) }
}

/// How probable more than `k` successes are.
#[must_use]
pub fn sf(k: u64, total: u64, successes: u64, draws: u64) -> f64 {
    let table = Table::new(total, successes, draws);
    if k < table.mode() { 1.0 - table.sum_down(k) } else { table.sum_up(k.saturating_add(1)) }
}

/// The most probable number of successes.
pub(super) fn mode(total: u64, successes: u64, draws: u64) -> u64 {
    Table::new(total, successes, draws).mode()
}

/// The numbers of successes that can be drawn, least and most.
pub(super) fn support(total: u64, successes: u64, draws: u64) -> (u64, u64) {
    let table = Table::new(total, successes, draws);
    (table.least(), table.most())
}

struct Table {
    total: u64,
    successes: u64,
    draws: u64,
}

impl Table {
    fn new(total: u64, successes: u64, draws: u64) -> Self {
        Self { total, successes: successes.min(total), draws: draws.min(total) }
    }

    fn least(&self) -> u64 {
        self.draws.saturating_sub(self.total - self.successes)
    }

    fn most(&self) -> u64 {
        self.draws.min(self.successes)
    }

    fn mode(&self) -> u64 {
        let (draws, successes) = (u128::from(self.draws), u128::from(self.successes));
        let mode = (draws + 1) * (successes + 1) / (u128::from(self.total) + 2);
        // Never above the most, so that it is a u64; least and mode are one where one cell stays empty.
        (mode as u64).clamp(self.least(), self.most())
    }

    fn pmf(&self, k: u64) -> f64 {
        if k < self.least() || k > self.most() {
            return 0.0;
        }
        if self.least() == self.most() {
            return 1.0;
        }
        let failures = self.total - self.successes;
        let left = self.total - self.draws;
        let cells = self.cells(k);
        let rest = |count: u64| ln_factorial_rest(count as f64);
        let margins = (rest(self.successes) - rest(self.total))
            + rest(failures)
            + rest(self.draws)
            + rest(left);
        let rests = margins - cells.iter().map(|cell| rest(*cell)).sum::<f64>();
        // Each cell is as far from its expectation as the others; exact in integers.
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let excess = product(k, self.total).abs_diff(product(self.successes, self.draws)) as f64
            / self.total as f64;
        let sign =
            if product(k, self.total) < product(self.successes, self.draws) { -1.0 } else { 1.0 };
        let expected = |a: u64, b: u64| product(a, b) as f64 / self.total as f64;
        let expectations = [
            (expected(self.successes, self.draws), sign),
            (expected(self.successes, left), -sign),
            (expected(failures, self.draws), -sign),
            (expected(failures, left), sign),
        ];
        let distance: f64 = cells
            .into_iter()
            .zip(expectations)
            .map(|(cell, (expected, sign))| deviance_of(cell as f64, expected, sign * excess))
            .sum();
        (rests - distance).exp().min(1.0)
    }

    /// Successes drawn and left, failures drawn and left.
    fn cells(&self, k: u64) -> [u64; 4] {
        let failures_drawn = self.draws - k;
        let failures = self.total - self.successes;
        [k, self.successes - k, failures_drawn, failures - failures_drawn]
    }

    /// The sum of the masses from `k` down, for `k` below the mode.
    fn sum_down(&self, k: u64) -> f64 {
        let first = self.pmf(k);
        if first == 0.0 {
            return 0.0;
        }
        let (mut sum, mut term) = (1.0, 1.0);
        for k in (self.least() + 1..=k).rev() {
            let [hit, missed, drawn, left] = self.cells(k).map(|cell| cell as f64);
            term *= (hit * left) / ((missed + 1.0) * (drawn + 1.0));
            sum += term;
            if term < sum * NOTHING {
                break;
            }
        }
        (first * sum).min(1.0)
    }

    /// The sum of the masses from `k` up, for `k` above the mode.
    fn sum_up(&self, k: u64) -> f64 {
        let first = self.pmf(k);
        if first == 0.0 {
            return 0.0;
        }
        let (mut sum, mut term) = (1.0, 1.0);
        for k in k..self.most() {
            let [hit, missed, drawn, left] = self.cells(k).map(|cell| cell as f64);
            term *= (missed * drawn) / ((hit + 1.0) * (left + 1.0));
            sum += term;
            if term < sum * NOTHING {
                break;
            }
        }
        (first * sum).min(1.0)
    }
}

/// Terms fall ever faster: what follows one of this share of the sum does not change it.
const NOTHING: f64 = f64::EPSILON / 64.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges() {
        assert_eq!((pmf(0, 0, 0, 0), cdf(0, 0, 0, 0), sf(0, 0, 0, 0)), (1.0, 1.0, 0.0));
        assert_eq!((pmf(3, 10, 10, 3), pmf(2, 10, 10, 3), pmf(4, 10, 4, 10)), (1.0, 0.0, 1.0));
        // At least 2 of 8 draws are among 4 of 10.
        assert_eq!((pmf(1, 10, 4, 8), cdf(1, 10, 4, 8), sf(1, 10, 4, 8)), (0.0, 0.0, 1.0));
        assert_eq!((cdf(4, 10, 4, 8), sf(4, 10, 4, 8), sf(u64::MAX, 10, 4, 8)), (1.0, 0.0, 0.0));
        assert_eq!(pmf(2, 4, 9, 2), 1.0);
    }

    proptest! {
        #[test]
        fn the_sums_are_of_the_masses(total in 1_u64..80, share in 0.0_f64..1.0, drawn in 0.0_f64..1.0) {
            let (successes, draws) = ((total as f64 * share) as u64, (total as f64 * drawn) as u64);
            let mut below = 0.0;
            for k in 0..=total {
                below += pmf(k, total, successes, draws);
                prop_assert!((cdf(k, total, successes, draws) - below).abs() < 1e-13, "{k}");
                prop_assert!((sf(k, total, successes, draws) - (1.0 - below)).abs() < 1e-13, "{k}");
            }
            prop_assert!((below - 1.0).abs() < 1e-13);
        }

        #[test]
        fn draws_and_successes_are_one_another(
            total in 1_u64..2_000_000_000, share in 0.0_f64..1.0, drawn in 0.0_f64..1.0, z in -6.0_f64..6.0,
        ) {
            let (successes, draws) = ((total as f64 * share) as u64, (total as f64 * drawn) as u64);
            let mean = total as f64 * share * drawn;
            let k = (mean + z * mean.sqrt()).max(0.0) as u64;
            let (one, other) = (pmf(k, total, successes, draws), pmf(k, total, draws, successes));
            prop_assert!((one - other).abs() <= 1e-12 * one, "{one} {other}");
        }
    }
}

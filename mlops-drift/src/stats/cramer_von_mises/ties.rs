//! [`Tied`]: the Cramér-von Mises statistic of samples with ties, and what it is by chance.

use crate::stats::{Sample, ecdf};

/// The statistic of samples in which values occur more than once.
///
/// `T = n1 n2 / N² Σ w_k (F1 - F2)²` over the different values but the last, with the difference of the
/// distribution functions after each; `w_k` is the mean of how often the value and the next one occur among all `N`. It is
/// the integral of the definition, its integrand at a jump being the mean of both sides: the same whichever
/// end the values are counted from, and Anderson's statistic where nothing is tied.
///
/// Given how often each value occurs, the differences are those of a hypergeometric path, whose
/// covariances are known. So is the mean of the statistic, therefore; its variance is that of a Gaussian path
/// with these covariances, times what the variance without ties has over its limit of 1/45.
pub(super) struct Tied {
    pub(super) statistic: f64,
    /// Its mean, if both samples are from one distribution.
    pub(super) mean: f64,
    /// Its variance over that without ties.
    pub(super) variance_ratio: f64,
}

impl Tied {
    /// `None` if no value occurs twice.
    pub(super) fn new(first: &Sample, second: &Sample) -> Option<Self> {
        let (n1, n2) = (first.len() as f64, second.len() as f64);
        let total = n1 + n2;
        let mut tied = false;
        // After the value before: how many of either sample, how often it occurs.
        let (mut counts, mut occurs) = ([0.0, 0.0], 0.0);
        let (mut statistic, mut mean) = (0.0, 0.0);
        // Of the variance: squares, products with all before, and what those sum up to.
        let (mut squares, mut products, mut before) = (0.0, 0.0, 0.0);
        ecdf::groups(first, second, |group| {
            let size = (group.first + group.second) as f64;
            tied |= size > 1.0;
            if occurs > 0.0 {
                let weight = (occurs + size) / (2.0 * total);
                let share = (counts[0] + counts[1]) / total;
                let difference = counts[0] / n1 - counts[1] / n2;
                statistic += weight * difference * difference;
                mean += weight * share * (1.0 - share);
                squares += (weight * share * (1.0 - share)).powi(2);
                products += weight * (1.0 - share).powi(2) * before;
                before += weight * share * share;
            }
            counts = [counts[0] + group.first as f64, counts[1] + group.second as f64];
            occurs = size;
        });
        tied.then(|| Self {
            statistic: statistic * n1 / total * n2,
            mean: mean * total / (total - 1.0),
            variance_ratio: 45.0 * 2.0 * (squares + 2.0 * products),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tied(first: &[f64], second: &[f64]) -> Option<Tied> {
        let sample = |values| Sample::from_slice("sample", values).unwrap();
        Tied::new(&sample(first), &sample(second))
    }

    #[test]
    fn the_mean_is_that_over_all_divisions_of_the_values() {
        let pooled = [1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 5.0, 9.0, 9.0];
        let (mut sum, mut divisions, mut mean) = (0.0, 0, 0.0);
        for subset in 0_u32..1 << pooled.len() {
            if subset.count_ones() == 4 {
                let side = |of: bool| -> Vec<f64> {
                    let picked = |index: &usize| (subset >> index & 1 == 1) == of;
                    (0..pooled.len()).filter(picked).map(|index| pooled[index]).collect()
                };
                let tied = tied(&side(true), &side(false)).unwrap();
                (sum, divisions, mean) = (sum + tied.statistic, divisions + 1, tied.mean);
            }
        }
        assert!((sum / f64::from(divisions) - mean).abs() < 1e-14, "{sum} {divisions} {mean}");
    }

    #[test]
    fn a_coin_has_the_law_of_one_square() {
        let coin = |rows: usize| -> Vec<f64> { (0..rows).map(|row| (row % 2) as f64).collect() };
        let tied = tied(&coin(1000), &coin(1000)).unwrap();
        assert!((tied.mean - 0.125).abs() < 1e-3 && tied.statistic == 0.0);
        assert!((tied.variance_ratio - 45.0 / 32.0).abs() < 1e-3);
    }

    #[test]
    fn light_ties_change_little_and_none_nothing() {
        let values =
            |from: usize| -> Vec<f64> { (0..500).map(|row| (2 * row + from) as f64).collect() };
        assert!(tied(&values(0), &values(1)).is_none());
        let mut second = values(1);
        second[7] = 14.0;
        let tied = tied(&values(0), &second).unwrap();
        assert!((tied.mean - 1.0 / 6.0).abs() < 1e-3 && (tied.variance_ratio - 1.0).abs() < 1e-2);
    }
}

//! Quantiles and shares of a [`NumericProfile`], as far as its bins tell them.

use super::NumericProfile;

/// Different values up to which a number is rather a category.
const MAX_DISCRETE: usize = 20;

impl NumericProfile {
    /// True if these are few different values, at most 20, each alone in its bin: stars, counts of children,
    /// a flag. Asked of the profile that the bins were fitted to.
    #[must_use]
    pub fn is_discrete(&self) -> bool {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let mut values = 0;
        for (bin, _) in filled {
            if bin == 0 || self.offsets[bin] != 0.0 {
                return false;
            }
            values += 1;
        }
        (1..=MAX_DISCRETE).contains(&values)
    }

    /// The value below which a share `p` of the finite values lies, in `[0, 1]`: exact at edges, at the least
    /// and the greatest value; straight between the ends of a bin. `None` without values, or for NaN.
    #[must_use]
    pub fn quantile(&self, p: f64) -> Option<f64> {
        let (min, max) = (self.min()?, self.max()?);
        if p.is_nan() {
            return None;
        }
        let rank = p.clamp(0.0, 1.0) * self.finite() as f64;
        let mut below = 0.0;
        for (bin, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            if below + count >= rank {
                let (low, high) = self.ends(bin, min, max);
                let share = (rank - below) / count;
                return Some((low * (1.0 - share) + high * share).clamp(min, max));
            }
            below += count;
        }
        Some(max)
    }

    /// The share of finite values that are at most `value`, as [`quantile`](Self::quantile) has it. `None`
    /// without values, or for NaN.
    #[must_use]
    pub fn cdf(&self, value: f64) -> Option<f64> {
        let (min, max) = (self.min()?, self.max()?);
        if value.is_nan() {
            return None;
        }
        let mut below = 0.0;
        for (bin, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (low, high) = self.ends(bin, min, max);
            if value < low {
                break;
            }
            // Halves, so that the widest bin does not overflow.
            let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
            below += *count as f64 * if value < high { share.min(1.0) } else { 1.0 };
        }
        Some((below / self.finite() as f64).min(1.0))
    }

    /// Between what the values of a bin lie.
    fn ends(&self, bin: usize, min: f64, max: f64) -> (f64, f64) {
        let edges = self.edges.as_slice();
        let low = if bin == 0 { min } else { edges[bin - 1].max(min) };
        let high = edges.get(bin).copied().unwrap_or(max).min(max);
        // A sum of distances that is 0: they are all at the anchor.
        if bin > 0 && self.offsets[bin] == 0.0 { (low, low) } else { (low, high.max(low)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(values: &[f64]) -> NumericProfile {
        NumericProfile::fit(values, 0, 10).unwrap()
    }

    #[test]
    fn few_values_are_discrete_and_many_are_not() {
        assert!(profile(&[1.0, 2.0, 2.0, 1.0]).is_discrete());
        assert!(profile(&[5.0; 9]).is_discrete());
        assert!(!profile(&(0..100).map(f64::from).collect::<Vec<_>>()).is_discrete());
        assert!(!profile(&[]).is_discrete());
    }

    #[test]
    fn quantiles_follow_the_values_and_undo_the_shares() {
        let hundred = profile(&(0..1000).map(f64::from).collect::<Vec<_>>());
        for p in [0.0, 0.1, 0.35, 0.5, 0.99, 1.0] {
            let value = hundred.quantile(p).unwrap();
            assert!((value - 999.0 * p).abs() < 2.0, "{p} {value}");
            assert!((hundred.cdf(value).unwrap() - p).abs() < 1e-9, "{p} {value}");
        }
        assert_eq!(hundred.cdf(-1.0), Some(0.0));
        assert_eq!(hundred.cdf(5000.0), Some(1.0));
        assert_eq!(hundred.cdf(f64::NAN), None);
        assert_eq!((profile(&[]).quantile(0.5), profile(&[]).cdf(0.0)), (None, None));
        assert_eq!(hundred.quantile(f64::NAN), None);
    }

    #[test]
    fn a_value_alone_in_its_bin_is_its_own_quantile() {
        let coin = profile(&[0.0, 0.0, 0.0, 1.0]);
        assert_eq!([0.0, 0.5, 0.8, 1.0].map(|p| coin.quantile(p).unwrap()), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!([-0.1, 0.0, 0.5, 1.0].map(|x| coin.cdf(x).unwrap()), [0.0, 0.75, 0.75, 1.0]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let widest = profile(&[f64::MIN, f64::MAX]);
        assert!(widest.quantile(0.5).unwrap().is_finite());
        assert!(widest.cdf(0.0).unwrap().is_finite());
    }
}

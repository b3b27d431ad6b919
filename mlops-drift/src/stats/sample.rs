//! [`Sample`].

use mlops_core::{Error, Result};

/// Values of one variable: at least one, all finite, in ascending order.
///
/// They are checked and sorted once, when the sample is made, and every test and distance of two
/// samples is then a single pass over both. A reference that is compared again and again is sorted
/// only once.
///
/// ```
/// use mlops_drift::stats::Sample;
///
/// let sample = Sample::new("reference", vec![3.0, 1.0, 2.0])?;
/// assert_eq!(sample.values(), [1.0, 2.0, 3.0]);
/// assert_eq!(sample.quantile(0.5)?, 2.0);
///
/// let error = Sample::new("current", vec![3.0, f64::NAN]).unwrap_err();
/// assert_eq!(error.to_string(), "invalid current: value 1 is NaN; values must be finite");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    name: &'static str,
    /// Ascending, finite, never empty.
    values: Vec<f64>,
}

impl Sample {
    /// The most values a sample may have: exact integer arithmetic of the rank tests stays within
    /// 128 bits up to here.
    pub const MAX_LEN: usize = 1 << 30;

    /// A sample of these values, in any order. `name`, for instance `reference`, is what errors call
    /// it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if there is no value, more than [`MAX_LEN`](Self::MAX_LEN), or one
    /// that is NaN or infinite; it names the index of the first such value.
    pub fn new(name: &'static str, values: Vec<f64>) -> Result<Self> {
        if values.is_empty() {
            return Err(Error::invalid(name, "no values; at least one is needed"));
        }
        if values.len() > Self::MAX_LEN {
            let reason = format!("{} values are more than {}", values.len(), Self::MAX_LEN);
            return Err(Error::invalid(name, reason));
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let reason = format!("value {index} is {}; values must be finite", values[index]);
            return Err(Error::invalid(name, reason));
        }
        Ok(Self { name, values: sorted(values) })
    }

    /// [`new`](Self::new) of a copy of these values.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn from_slice(name: &'static str, values: &[f64]) -> Result<Self> {
        Self::new(name, values.to_vec())
    }

    /// What errors call this sample.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The values, in ascending order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many values there are: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a sample is never empty")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The smallest value.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.values[0]
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// The value below which a share `p` of the sample lies: between order statistics straight, the
    /// definition 7 of Hyndman & Fan (1996), which is NumPy's and R's default.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `p` is not in `[0, 1]`.
    pub fn quantile(&self, p: f64) -> Result<f64> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::invalid("quantile", format!("{p} is not in [0, 1]")));
        }
        let (below, share) = quantile_position(self.len(), p);
        let low = self.values[below];
        let high = self.values[(below + 1).min(self.len() - 1)];
        Ok(interpolate(low, high, share))
    }

    /// The arithmetic mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let count = self.len() as f64;
        let sum = sum(&self.values, |value| value);
        let mean = if sum.is_finite() { sum / count } else { self.sum_of(|value| value / count) };
        // Rounding must not take the mean of one value elsewhere.
        mean.clamp(self.min(), self.max())
    }

    /// The mean squared difference from the mean, divided by the number of values: the variance of
    /// the sample as a population (NumPy's `var`). Infinite if it is beyond the range of `f64`.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.standard_deviation().powi(2)
    }

    /// The square root of [`variance`](Self::variance), without its overflow or underflow.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        let mean = self.mean();
        // Deviations are halved, so that none overflows; where their squares would, the unit is the
        // largest.
        let unit = (self.max() * 0.5 - mean * 0.5).max(mean * 0.5 - self.min() * 0.5);
        if unit <= 0.0 {
            return 0.0;
        }
        let unit = if (1e-100..1e100).contains(&unit) { 1.0 } else { unit };
        let squares = self.sum_of(|value| ((value * 0.5 - mean * 0.5) / unit).powi(2));
        2.0 * unit * (squares / self.len() as f64).sqrt()
    }

    fn sum_of(&self, term: impl Fn(f64) -> f64) -> f64 {
        sum(&self.values, term)
    }

    /// A sample to be filled by [`refill`](Self::refill).
    pub(super) fn with_capacity(name: &'static str, capacity: usize) -> Self {
        Self { name, values: Vec::with_capacity(capacity) }
    }

    /// The values themselves, for a caller that leaves them ascending, finite and not empty.
    pub(super) fn refill(&mut self) -> &mut Vec<f64> {
        self.values.clear();
        &mut self.values
    }

    /// Refuses a sample of fewer values than a test needs.
    pub(super) fn at_least(&self, count: usize) -> Result<()> {
        if self.len() < count {
            let reason = format!("{} values; at least {count} are needed", self.len());
            return Err(Error::invalid(self.name, reason));
        }
        Ok(())
    }
}

/// Between which order statistics of `count` the quantile `p` lies: the index of the lower, and how
/// far on the way to the next.
pub(super) fn quantile_position(count: usize, p: f64) -> (usize, f64) {
    let position = p * (count - 1) as f64;
    let below = (position as usize).min(count - 1);
    (below, position - below as f64)
}

/// On the way from `low` to `high`, without overflow.
pub(super) fn interpolate(low: f64, high: f64, share: f64) -> f64 {
    if low == high { low } else { low * (1.0 - share) + high * share }
}

/// The values in the order of [`f64::total_cmp`].
///
/// Whole numbers of the same order are sorted in their place: they are compared without a jump, in two thirds of
/// the time.
pub(crate) fn sorted(values: Vec<f64>) -> Vec<f64> {
    let mut keys: Vec<i64> = values.into_iter().map(|value| key(value.to_bits())).collect();
    keys.sort_unstable();
    let bits = |value: i64| key(value.cast_unsigned()).cast_unsigned();
    keys.into_iter().map(|value| f64::from_bits(bits(value))).collect()
}

/// From bits to a number that is larger if the value is, and back: all bits of a negative value but its sign are
/// turned over.
fn key(bits: u64) -> i64 {
    let bits = bits.cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Sums in eight lanes: as fast as memory, and with an eighth of the rounding of one.
pub(crate) fn sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = values.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|value| term(*value)).sum();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::from_slice("reference", values).unwrap()
    }

    #[test]
    fn errors_name_the_sample_and_the_index() {
        for (values, message) in [
            (vec![], "invalid current: no values; at least one is needed"),
            (vec![1.0, f64::NAN], "invalid current: value 1 is NaN; values must be finite"),
            (vec![f64::INFINITY], "invalid current: value 0 is inf; values must be finite"),
            (
                vec![0.0, 1.0, f64::NEG_INFINITY, f64::NAN],
                "invalid current: value 2 is -inf; values must be finite",
            ),
        ] {
            assert_eq!(Sample::new("current", values).unwrap_err().to_string(), message);
        }
        let error = sample(&[1.0]).at_least(2).unwrap_err();
        assert_eq!(error.to_string(), "invalid reference: 1 values; at least 2 are needed");
        for p in [-0.1, 1.1, f64::NAN] {
            assert!(sample(&[1.0]).quantile(p).unwrap_err().is_invalid_request());
        }
    }

    #[test]
    fn quantiles_are_straight_between_order_statistics() {
        let four = sample(&[40.0, 10.0, 30.0, 20.0]);
        for (p, expected) in [(0.0, 10.0), (0.25, 17.5), (0.5, 25.0), (0.75, 32.5), (1.0, 40.0)] {
            assert_eq!(four.quantile(p).unwrap(), expected, "{p}");
        }
        assert_eq!(sample(&[7.0]).quantile(0.3).unwrap(), 7.0);
        let widest = sample(&[f64::MIN, f64::MAX]);
        assert_eq!(widest.quantile(0.5).unwrap(), 0.0);
    }

    #[test]
    fn the_order_is_that_of_all_values() {
        let mut values = vec![
            0.0,
            -0.0,
            1.5,
            -1.5,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            -f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            -1e300,
            f64::NAN,
            f64::NEG_INFINITY,
        ];
        let found = sorted(values.clone());
        values.sort_by(f64::total_cmp);
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&values));
    }

    #[test]
    fn moments() {
        let eight = sample(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!((eight.mean(), eight.variance(), eight.standard_deviation()), (5.0, 4.0, 2.0));
        assert_eq!((eight.min(), eight.max(), eight.len()), (2.0, 9.0, 8));
        assert_eq!(sample(&[0.1; 9]).standard_deviation(), 0.0);
    }

    #[test]
    fn moments_of_the_largest_and_smallest_numbers() {
        let widest = sample(&[f64::MIN, f64::MAX]);
        assert_eq!((widest.mean(), widest.standard_deviation()), (0.0, f64::MAX));
        assert_eq!(widest.variance(), f64::INFINITY);
        let large = sample(&[f64::MAX; 3]);
        assert!((large.mean() / f64::MAX - 1.0).abs() < 1e-15);
        let small = sample(&[1e-200, 3e-200]);
        assert!((small.standard_deviation() / 1e-200 - 1.0).abs() < 1e-15);
    }
}

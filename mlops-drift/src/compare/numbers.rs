//! [`Numbers`]: a column of numbers, with all its values.

use mlops_core::Result;

use crate::{
    profile::{Edges, NumericProfile},
    stats::Sample,
};

/// Bins that values are counted in, for what is not computed from the values themselves.
const BINS: usize = 96;

/// A column of numbers: its finite values, sorted, and how many rows have none.
///
/// Where the values are at hand they are compared themselves, rather than by bins.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// `None` if there is no finite value.
    sample: Option<Sample>,
    nulls: u64,
    nan: u64,
    positive_infinity: u64,
    negative_infinity: u64,
}

/// Numbers with what every comparison with them needs.
#[derive(Debug)]
pub(crate) struct BinnedNumbers<'a> {
    pub(super) numbers: &'a Numbers,
    pub(super) profile: NumericProfile,
    /// The standard deviation of the finite values, whose divisor is their number.
    pub(super) deviation: Option<f64>,
}

impl<'a> BinnedNumbers<'a> {
    /// A reference, to be compared with any number of others.
    pub(crate) fn new(numbers: &'a Numbers) -> Result<Self> {
        let deviation = numbers.sample().map(Sample::standard_deviation);
        Ok(Self { numbers, profile: numbers.profile(BINS)?, deviation })
    }
}

impl Numbers {
    /// These values, in any order, and so many rows that are null. NaN and infinities are counted.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for more than [`Sample::MAX_LEN`] values.
    pub fn new(mut values: Vec<f64>, nulls: u64) -> Result<Self> {
        let mut numbers =
            Self { sample: None, nulls, nan: 0, positive_infinity: 0, negative_infinity: 0 };
        if values.iter().any(|value| !value.is_finite()) {
            for value in &values {
                numbers.nan += u64::from(value.is_nan());
                numbers.positive_infinity += u64::from(*value == f64::INFINITY);
                numbers.negative_infinity += u64::from(*value == f64::NEG_INFINITY);
            }
            values.retain(|value| value.is_finite());
        }
        if !values.is_empty() {
            numbers.sample = Some(Sample::new("values", values)?);
        }
        Ok(numbers)
    }

    /// Rows, null or not.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let finite = self.sample.as_ref().map_or(0, |sample| sample.len() as u64);
        let apart = [self.nulls, self.nan, self.positive_infinity, self.negative_infinity];
        apart.iter().fold(finite, |sum, count| sum.saturating_add(*count))
    }

    /// The finite values; `None` if there are none.
    #[must_use]
    pub fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// The same as a profile with at most `bins` bins of its own.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for no bins, or [`Edges::MAX`] and more.
    pub fn profile(&self, bins: usize) -> Result<NumericProfile> {
        let edges = Edges::fit_sorted(self.values(), bins)?;
        let mut profile = NumericProfile::of_sorted(edges, self.values());
        self.count_apart(&mut profile);
        Ok(profile)
    }

    /// The same in the bins of another.
    #[must_use]
    pub fn profile_like(&self, reference: &NumericProfile) -> NumericProfile {
        let mut profile = reference.empty_like();
        profile.observe_sorted(self.values());
        self.count_apart(&mut profile);
        profile
    }

    fn values(&self) -> &[f64] {
        self.sample.as_ref().map_or(&[], Sample::values)
    }

    fn count_apart(&self, profile: &mut NumericProfile) {
        profile.observe_nulls(self.nulls);
        profile.observe_not_finite(self.nan, self.positive_infinity, self.negative_infinity);
    }
}

//! Tests of means, as they are in [`mlops_core::stats::mean`], of two samples.

use mlops_core::{
    Result,
    stats::{
        Alternative, TestResult,
        mean::{self, Summary},
    },
};

use super::Sample;

/// Student's t test: equal means, if variances are equal. See [`mean::student_t_test`].
///
/// # Errors
///
/// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) if a sample has fewer than two
/// values, or its sum or squares overflow.
pub fn student(first: &Sample, second: &Sample, alternative: Alternative) -> Result<TestResult> {
    mean::student_t_test(&summary(first)?, &summary(second)?, alternative)
}

/// Welch's t test: equal means, whatever the variances. See [`mean::welch_t_test`].
///
/// # Errors
///
/// Those of [`student`].
pub fn welch(first: &Sample, second: &Sample, alternative: Alternative) -> Result<TestResult> {
    mean::welch_t_test(&summary(first)?, &summary(second)?, alternative)
}

/// The z test: equal means of large samples, whatever the variances. See [`mean::z_test`].
///
/// # Errors
///
/// Those of [`student`].
pub fn z(first: &Sample, second: &Sample, alternative: Alternative) -> Result<TestResult> {
    mean::z_test(&summary(first)?, &summary(second)?, alternative)
}

fn summary(sample: &Sample) -> Result<Summary> {
    sample.at_least(2)?;
    Summary::of(sample.values())
}

//! Means of samples: [`Summary`], and tests of two of them.

use serde::{Deserialize, Serialize};

use super::{Alternative, Interval, TestResult, interval::error_rate, normal, student_t};
use crate::{Error, Result};

/// How many values a sample has, their mean and their spread: all that tests of means need of it.
///
/// Summaries of parts [`merge`](Self::merge) into that of the whole. The default is of no values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of values.
    pub count: u64,
    /// Their arithmetic mean; 0 if there are none.
    pub mean: f64,
    /// The sample variance, `Σ (x - mean)² / (count - 1)`; 0 if there are fewer than two values.
    pub variance: f64,
}

impl Summary {
    /// The summary of these values, in two passes: the second is about the mean and mends the first
    /// (Chan, Golub and LeVeque 1983, equation 1.7).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are no values, one is not finite, or their sum or squares
    /// overflow.
    pub fn of(values: &[f64]) -> Result<Self> {
        let Some(first) = values.first() else {
            return Err(Error::invalid("sample", "it is empty"));
        };
        let count = values.len() as f64;
        let [sum, _] = sums(values, 0.0);
        if !sum.is_finite() {
            return Err(not_finite(values));
        }
        // Rounding must not give a spread to a constant.
        if values.iter().all(|value| value == first) {
            return Ok(Self { count: values.len() as u64, mean: *first, variance: 0.0 });
        }
        let about = sum / count;
        let [rest, squares] = sums(values, about);
        let variance = (squares - rest * (rest / count)).max(0.0) / (count - 1.0);
        if !variance.is_finite() {
            return Err(Error::invalid(
                "sample",
                "its values are so far apart that squares overflow",
            ));
        }
        Ok(Self { count: values.len() as u64, mean: about + rest / count, variance })
    }

    /// Takes in the values of `other`, as if both samples had been one (Chan, Golub and LeVeque 1983,
    /// equation 2.1).
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let all = ours + theirs;
        let apart = other.mean - self.mean;
        let squares = self.variance * (ours - 1.0)
            + other.variance * (theirs - 1.0)
            + apart * apart * (ours * (theirs / all));
        self.count = self.count.saturating_add(other.count);
        self.mean += apart * (theirs / all);
        self.variance = squares / (all - 1.0);
    }

    /// Where the mean of what was sampled is: `mean ± t √(variance / count)`, with Student's quantile.
    /// Of constants it is a point.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than two values, a mean or variance that is not finite, or a
    /// confidence that is not between 0 and 1.
    pub fn confidence_interval(&self, confidence: f64) -> Result<Interval> {
        self.check("sample")?;
        let tail = 0.5 * error_rate(confidence)?;
        let count = self.count as f64;
        let half = -student_t::quantile(tail, count - 1.0) * (self.variance / count).sqrt();
        Ok(Interval { low: self.mean - half, high: self.mean + half })
    }

    fn check(&self, sample: &'static str) -> Result<()> {
        if self.count < 2 {
            let reason = format_args!("it has {} values, and two are needed", self.count);
            return Err(Error::invalid(sample, reason));
        }
        if !self.mean.is_finite() {
            return Err(Error::invalid(sample, format_args!("its mean is {}", self.mean)));
        }
        if !self.variance.is_finite() || self.variance < 0.0 {
            return Err(Error::invalid(sample, format_args!("its variance is {}", self.variance)));
        }
        Ok(())
    }
}

/// Student's t test that two samples of equal variance have the same mean; `ttest_ind` of scipy.
///
/// Constants: a statistic of 0 and a p-value of 1 if they are equal, an infinite statistic (p-value 0, or
/// 1 against the other side) if they differ.
///
/// # Errors
/// [`Error::InvalidArgument`] if a sample has fewer than two values or is not finite.
pub fn student_t_test(
    first: &Summary,
    second: &Summary,
    alternative: Alternative,
) -> Result<TestResult> {
    let [n, m] = counts(first, second)?;
    let dof = n + m - 2.0;
    let pooled = first.variance * ((n - 1.0) / dof) + second.variance * ((m - 1.0) / dof);
    let variance = pooled * (1.0 / n + 1.0 / m);
    compare(first, second, variance, alternative, |t| student_t::sf(t, dof))
}

/// Welch's t test that two samples have the same mean, whatever their variances; `ttest_ind` of scipy with
/// `equal_var=False`. Degrees of freedom by Welch (1947) and Satterthwaite (1946).
///
/// Constants are judged as in [`student_t_test`].
///
/// # Errors
/// [`Error::InvalidArgument`] if a sample has fewer than two values or is not finite.
pub fn welch_t_test(
    first: &Summary,
    second: &Summary,
    alternative: Alternative,
) -> Result<TestResult> {
    let [n, m] = counts(first, second)?;
    let (ours, theirs) = (first.variance / n, second.variance / m);
    // As a share, because squares of small variances would vanish.
    let share = if ours > 0.0 { 1.0 / (1.0 + theirs / ours) } else { 0.0 };
    let rest = if theirs > 0.0 { 1.0 / (1.0 + ours / theirs) } else { 0.0 };
    let dof = 1.0 / (share * share / (n - 1.0) + rest * rest / (m - 1.0));
    compare(first, second, ours + theirs, alternative, |t| student_t::sf(t, dof))
}

/// The z test that two large samples have the same mean, whatever their variances: Welch's statistic
/// against the normal distribution. Below some hundred values, [`welch_t_test`] is right and this is not.
///
/// Constants are judged as in [`student_t_test`].
///
/// # Errors
/// [`Error::InvalidArgument`] if a sample has fewer than two values or is not finite.
pub fn z_test(first: &Summary, second: &Summary, alternative: Alternative) -> Result<TestResult> {
    let [n, m] = counts(first, second)?;
    let variance = first.variance / n + second.variance / m;
    compare(first, second, variance, alternative, normal::sf)
}

fn counts(first: &Summary, second: &Summary) -> Result<[f64; 2]> {
    first.check("first sample")?;
    second.check("second sample")?;
    Ok([first.count as f64, second.count as f64])
}

/// The difference of means against its variance.
fn compare(
    first: &Summary,
    second: &Summary,
    variance: f64,
    alternative: Alternative,
    sf: impl Fn(f64) -> f64,
) -> Result<TestResult> {
    let difference = first.mean - second.mean;
    if !difference.is_finite() || !variance.is_finite() {
        return Err(Error::invalid(
            "samples",
            "their difference or spread is more than a double holds",
        ));
    }
    if variance > 0.0 {
        let statistic = difference / variance.sqrt();
        return Ok(TestResult { statistic, p_value: alternative.p_value(statistic, sf) });
    }
    if difference == 0.0 {
        return Ok(TestResult { statistic: 0.0, p_value: 1.0 });
    }
    let statistic = f64::INFINITY.copysign(difference);
    // Whatever the distribution: its tails are empty there.
    let p_value = alternative.p_value(statistic, |t| if t > 0.0 { 0.0 } else { 1.0 });
    Ok(TestResult { statistic, p_value })
}

/// The sums of the distances from `about` and of their squares, each in eight parts that do not wait for
/// one another.
fn sums(values: &[f64], about: f64) -> [f64; 2] {
    let (chunks, rest) = values.as_chunks::<8>();
    let (mut distances, mut squares) = ([0.0; 8], [0.0; 8]);
    for chunk in chunks {
        for (lane, value) in chunk.iter().enumerate() {
            let distance = value - about;
            distances[lane] += distance;
            squares[lane] += distance * distance;
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        let distance = value - about;
        distances[lane] += distance;
        squares[lane] += distance * distance;
    }
    [distances, squares].map(|lanes| lanes.iter().sum())
}

fn not_finite(values: &[f64]) -> Error {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Error::invalid("sample", format_args!("value {index} is {}", values[index])),
        None => Error::invalid("sample", "the sum of its values is more than a double holds"),
    }
}

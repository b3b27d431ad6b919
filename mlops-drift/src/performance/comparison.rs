//! [`FigureDifference`]: is the current performance that of the reference?

use mlops_core::{
    Error, Result,
    stats::{
        Alternative, Interval, TestResult,
        mean::{Summary, welch_t_test},
        normal,
        proportion::{Proportion, newcombe_interval, two_proportion_test},
        student_t,
    },
};
use serde::{Deserialize, Serialize};

use super::{estimate::Estimate, figure::Confidence};

/// How far a figure of current rows is from that of reference rows, the two being independent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FigureDifference {
    /// Current less reference.
    pub difference: f64,
    /// Where the true difference is.
    pub interval: Interval,
    /// How probable a difference at least as extreme is if there is none.
    pub p_value: f64,
}

/// Compares shares, such as accuracies: Newcombe's interval of the difference, and the z test, or Fisher's
/// exact one where less than five rows of a kind are expected. `alternative` is what is to be found:
/// [`Less`](Alternative::Less) that the current share is smaller.
///
/// # Errors
/// [`Error::InvalidArgument`] for a confidence that is not between 0 and 1.
pub fn compare_shares(
    reference: &Proportion,
    current: &Proportion,
    alternative: Alternative,
    confidence: f64,
) -> Result<FigureDifference> {
    let interval = newcombe_interval(current, reference, confidence)?;
    let TestResult { p_value, .. } = two_proportion_test(current, reference, alternative)?;
    Ok(FigureDifference {
        difference: current.estimate() - reference.estimate(),
        interval,
        p_value,
    })
}

/// Compares means, such as those of losses: Welch's test, and the interval that belongs to it.
///
/// # Errors
/// [`Error::InvalidArgument`] if one has fewer than two values or is not finite, or for a confidence that
/// is not between 0 and 1.
pub fn compare_means(
    reference: &Summary,
    current: &Summary,
    alternative: Alternative,
    confidence: f64,
) -> Result<FigureDifference> {
    let level = Confidence::new(confidence)?;
    let test = welch_t_test(current, reference, alternative)?;
    let difference = current.mean - reference.mean;
    let [ours, theirs] = [current, reference].map(|sample| sample.variance / sample.count as f64);
    let error = (ours + theirs).sqrt();
    let half = if error > 0.0 {
        let share = |part: f64, sample: &Summary| {
            (part / (ours + theirs)).powi(2) / (sample.count as f64 - 1.0)
        };
        let dof = 1.0 / (share(ours, current) + share(theirs, reference));
        -student_t::quantile(0.5 * (1.0 - level.level), dof) * error
    } else {
        0.0
    };
    let interval = Interval { low: difference - half, high: difference + half };
    Ok(FigureDifference { difference, interval, p_value: test.p_value })
}

/// Compares figures that are known with their errors, such as areas under curves or mean errors of a
/// regression: the difference over the root of the sum of both variances, against the normal
/// distribution (of areas: Hanley and McNeil 1982 with DeLong's errors).
///
/// Without any error, equal figures have the p-value 1, and others 0, or 1 against the other side.
///
/// # Errors
/// [`Error::InvalidArgument`] if a figure or error is not finite, an error is negative, or for a
/// confidence that is not between 0 and 1.
pub fn compare_estimates(
    reference: &Estimate,
    current: &Estimate,
    alternative: Alternative,
    confidence: f64,
) -> Result<FigureDifference> {
    let level = Confidence::new(confidence)?;
    for (what, Estimate { value, standard_error }) in
        [("reference estimate", reference), ("current estimate", current)]
    {
        if !value.is_finite() || !standard_error.is_finite() || *standard_error < 0.0 {
            let reason = format_args!("{value} with an error of {standard_error}");
            return Err(Error::invalid(what, reason));
        }
    }
    let difference = current.value - reference.value;
    let error = reference.standard_error.hypot(current.standard_error);
    // 0 / 0 is no difference at all; other quotients by 0 are infinite, where the tails are 0 and 1.
    let z = if difference == 0.0 { 0.0 } else { difference / error };
    let p_value = match alternative {
        Alternative::TwoSided => normal::two_sided(z),
        Alternative::Less => normal::cdf(z),
        Alternative::Greater => normal::sf(z),
    };
    let p_value = if error == 0.0 && difference == 0.0 { 1.0 } else { p_value };
    let interval =
        Interval { low: difference - level.z * error, high: difference + level.z * error };
    Ok(FigureDifference { difference, interval, p_value })
}

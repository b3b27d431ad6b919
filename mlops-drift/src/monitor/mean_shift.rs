//! [`mean_shift`]: how far a mean has moved, the plain rule.

use mlops_core::Result;

use crate::{
    alert::{AlertRule, Bad, Reading, Thresholds},
    profile::{FeatureProfile, NumericProfile, Profile},
};

/// What [`mean_shift_rule`] judges.
const KIND: &str = "mean_shift";
/// A reference's mean is near 0 if it is less than this share of a standard deviation away from it.
const NEAR_ZERO: f64 = 0.01;

/// How far the mean of a feature has moved: `|m - m₀| / |m₀|`, of the finite values of the current data and
/// of the reference.
///
/// A share of a mean near 0 says nothing: where `|m₀| < s₀ / 100` it is `|m - m₀| / s₀`, in standard deviations
/// of the reference. `None` if either has no values, or the reference is always 0 and the current data is not
/// (there is no unit to measure it in; [`compare`](crate::compare) sees it).
///
/// It knows nothing of chance: of few rows, or of values that vary a lot, the mean moves by itself.
#[must_use]
pub fn mean_shift(reference: &NumericProfile, current: &NumericProfile) -> Option<f64> {
    let (before, after) = (reference.mean()?, current.mean()?);
    let deviation = reference.variance().unwrap_or(0.0).sqrt();
    let unit = if before.abs() < NEAR_ZERO * deviation { deviation } else { before.abs() };
    // Halves, so that the difference of the largest numbers is one.
    let shift = (after / 2.0 - before / 2.0).abs();
    if shift == 0.0 {
        return Some(0.0);
    }
    (unit > 0.0).then(|| (shift / (unit / 2.0)).min(f64::MAX))
}

/// The [`mean_shift`] of each numeric feature, as a figure `mean_shift` with the label `feature`.
pub(super) fn readings(reference: &Profile, current: &Profile) -> Vec<Reading> {
    let features = reference.features().zip(current.features());
    features
        .filter_map(|((name, reference), (_, current))| match (reference, current) {
            (FeatureProfile::Numeric(reference), FeatureProfile::Numeric(current)) => {
                let shift = mean_shift(reference, current);
                Some(Reading::new(KIND, shift).with_label("feature", name))
            }
            _ => None,
        })
        .collect()
}

/// The plain rule: a mean that has moved by 10 % or more is an alert, until it is within 8 %.
///
/// # Errors
/// None that is known.
pub fn mean_shift_rule() -> Result<AlertRule> {
    let thresholds = Thresholds::new(Bad::Above, 0.1)?.with_clear(0.08)?;
    Ok(AlertRule::new(KIND, thresholds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(reference: &[f64], current: &[f64]) -> Option<f64> {
        let reference = NumericProfile::fit(reference, 0, 10).unwrap();
        let mut profile = reference.empty_like();
        profile.observe_all(current);
        mean_shift(&reference, &profile)
    }

    #[test]
    fn it_is_a_share_of_the_mean_or_of_a_standard_deviation() {
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(close(shift(&[9.0, 11.0], &[11.0]), 0.1));
        assert!(close(shift(&[-9.0, -11.0], &[-9.0]), 0.1));
        assert!(close(shift(&[-1.0, 1.0], &[1.0]), 1.0 / 2.0_f64.sqrt()));
        assert_eq!(shift(&[0.0, 0.0], &[0.0]), Some(0.0));
        assert_eq!(shift(&[0.0, 0.0], &[1.0]), None);
        assert_eq!(shift(&[5.0], &[f64::NAN]), None);
        assert_eq!(shift(&[], &[1.0]), None);
        assert_eq!(shift(&[1e300], &[-1e300]), Some(2.0));
        assert_eq!(shift(&[5e-324], &[f64::MAX]), Some(f64::MAX));
    }
}

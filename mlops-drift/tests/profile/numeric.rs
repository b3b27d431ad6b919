//! What is kept of a number.

use mlops_drift::{
    profile::NumericProfile,
    stats::counts::{BinSums, ks_bounds, wasserstein_bins},
};
use proptest::prelude::*;

use super::normal;

fn wasserstein(reference: &NumericProfile, current: &NumericProfile) -> f64 {
    let sums =
        |profile| BinSums { counts: NumericProfile::counts(profile), offsets: profile.offsets() };
    wasserstein_bins(reference.edges().as_slice(), sums(reference), sums(current)).unwrap()
}

#[test]
fn what_is_no_number_is_counted_and_enters_nothing_else() {
    let values = [1.0, f64::NAN, 2.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 3.0];
    let reference = NumericProfile::fit(&values, 4, 10).unwrap();
    assert_eq!((reference.nulls(), reference.nan()), (4, 2));
    assert_eq!((reference.positive_infinity(), reference.negative_infinity()), (1, 1));
    assert_eq!((reference.finite(), reference.rows()), (3, 11));
    assert_eq!((reference.min(), reference.max()), (Some(1.0), Some(3.0)));
    assert_eq!((reference.mean(), reference.variance()), (Some(2.0), Some(1.0)));
    assert_eq!((reference.below(), reference.above()), (0, 0));

    let mut current = reference.empty_like();
    current.observe_all(&[0.9, -1e300, 3.0, 3.1, f64::NAN]);
    current.observe_nulls(2);
    assert_eq!((current.below(), current.above()), (2, 1));
    assert_eq!((current.finite(), current.nan(), current.nulls()), (4, 1, 2));
}

#[test]
fn a_reference_without_numbers_still_counts() {
    let reference = NumericProfile::fit(&[f64::NAN], 9, 100).unwrap();
    assert_eq!((reference.mean(), reference.variance(), reference.min()), (None, None, None));
    let mut current = reference.empty_like();
    current.observe(4.0);
    assert_eq!((current.below(), current.above(), current.mean()), (1, 0, Some(4.0)));
    assert_eq!(current.variance(), None);
}

#[test]
fn moments_do_not_drown_far_from_zero() {
    let values: Vec<f64> = normal("far", 5000).iter().map(|value| 1e9 + value).collect();
    let profile = NumericProfile::fit(&values, 0, 100).unwrap();
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value - 1e9).sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - 1e9 - mean).powi(2)).sum();
    let variance = squares / (count - 1.0);
    assert!((profile.mean().unwrap() - 1e9 - mean).abs() < 1e-6);
    assert!((profile.variance().unwrap() / variance - 1.0).abs() < 1e-9);
}

#[test]
fn the_largest_numbers_overflow_nothing() {
    let extremes = [f64::MAX, f64::MIN, 1e300, -1e300, 0.0];
    let reference = NumericProfile::fit(&extremes, 0, 100).unwrap();
    let mut current = reference.empty_like();
    current.observe_all(&[f64::MAX; 10]);
    current.merge(&reference).unwrap();
    for profile in [&reference, &current] {
        assert!(profile.mean().unwrap().is_finite());
        assert!(profile.variance().unwrap().is_finite());
        assert!(profile.offsets().iter().all(|offset| offset.is_finite()));
        assert!(wasserstein(&reference, profile).is_finite());
    }
    let ordinary = NumericProfile::fit(&normal("ordinary", 100), 0, 10).unwrap();
    let mut current = ordinary.empty_like();
    current.observe_all(&extremes);
    assert!(current.mean().unwrap().is_finite() && current.variance().unwrap().is_finite());
}

#[test]
fn a_shift_is_measured_exactly() {
    let values = normal("shift", 3000);
    let reference = NumericProfile::fit(&values, 0, 100).unwrap();
    for shift in [1e-6, 0.25, 5.0, 1e6] {
        let mut current = reference.empty_like();
        for value in &values {
            current.observe(value + shift);
        }
        // All values move by as much, so the distributions never cross.
        let found = wasserstein(&reference, &current);
        assert!((found / shift - 1.0).abs() < 1e-9, "{found} {shift}");
    }
}

#[test]
fn bins_of_quantiles_pin_the_statistic_down() {
    let reference = NumericProfile::fit(&normal("reference", 20_000), 0, 255).unwrap();
    let mut current = reference.empty_like();
    current.observe_all(&normal("current", 20_000));
    let bounds = ks_bounds(reference.counts(), current.counts()).unwrap();
    // A bin holds 1/255 of either sample, or little more.
    assert!(bounds.upper - bounds.lower < 2.0 / 255.0, "{bounds:?}");
}

proptest! {
    #[test]
    fn moments_are_those_of_the_values(
        reference in prop::collection::vec(-1e3_f64..1e3, 1..50),
        values in prop::collection::vec(-1e4_f64..1e4, 2..200),
        bins in 1_usize..40,
    ) {
        let mut profile = NumericProfile::fit(&reference, 0, bins).unwrap().empty_like();
        profile.observe_all(&values);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        prop_assert!((profile.mean().unwrap() - mean).abs() < 1e-8);
        prop_assert!((profile.variance().unwrap() - squares / (count - 1.0)).abs() < 1e-5);
        prop_assert_eq!(profile.min(), values.iter().copied().reduce(f64::min));
        prop_assert_eq!(profile.max(), values.iter().copied().reduce(f64::max));
        prop_assert_eq!(profile.finite(), values.len() as u64);
    }
}

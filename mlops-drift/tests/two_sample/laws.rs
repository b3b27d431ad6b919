//! What holds for any two samples.

use mlops_core::stats::{Alternative, TestResult};
use mlops_drift::stats::{
    Sample, anderson_darling, brunner_munzel, cramer_von_mises, energy, epps_singleton,
    ks::{self, KsMethod, KsOptions, KsSign},
    kuiper,
    mann_whitney::{self, MannWhitneyMethod, MannWhitneyOptions},
    permutation::{self, PermutationOptions},
    t_test, wasserstein,
};
use proptest::prelude::*;

use crate::samples::{SplitMix64, moved, sample};

/// Multiples of 1/8 with ties, which doubling and shifting by such leaves exact.
fn dyadic() -> impl Strategy<Value = Sample> {
    prop::collection::vec(-40_i32..40, 1..40)
        .prop_map(|values| values.into_iter().map(|value| f64::from(value) / 8.0).collect())
        .prop_map(|values| Sample::new("reference", values).unwrap())
}

/// Every two-sided test that takes these samples, by name.
fn all_tests(first: &Sample, second: &Sample) -> Vec<(&'static str, TestResult)> {
    let results = [
        ("ks", ks::test(first, second, KsOptions::default()).map(TestResult::from)),
        (
            "ks asymptotic",
            ks::test(first, second, KsOptions::default().with_method(KsMethod::Asymptotic))
                .map(TestResult::from),
        ),
        ("kuiper", Ok(kuiper::test(first, second))),
        ("cramer_von_mises", cramer_von_mises::test(first, second, Default::default())),
        ("anderson_darling", anderson_darling::test(&[first, second]).map(TestResult::from)),
        ("mann_whitney", mann_whitney::test(first, second, Default::default())),
        ("brunner_munzel", brunner_munzel::test(first, second, Default::default())),
        ("epps_singleton", epps_singleton::test(first, second, Default::default())),
        ("welch", t_test::welch(first, second, Alternative::TwoSided)),
        ("student", t_test::student(first, second, Alternative::TwoSided)),
        ("z", t_test::z(first, second, Alternative::TwoSided)),
    ];
    results.into_iter().filter_map(|(name, result)| Some((name, result.ok()?))).collect()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * other.abs().max(1e-3)
}

proptest! {
    #[test]
    fn a_probability_is_one_and_a_statistic_a_number(a in dyadic(), b in dyadic()) {
        for (name, result) in all_tests(&a, &b) {
            prop_assert!((0.0..=1.0).contains(&result.p_value), "{name} {result:?}");
            prop_assert!(!result.statistic.is_nan(), "{name} {result:?}");
        }
    }

    #[test]
    fn which_sample_comes_first_does_not_matter(a in dyadic(), b in dyadic()) {
        for ((name, one), (_, other)) in all_tests(&a, &b).into_iter().zip(all_tests(&b, &a)) {
            prop_assert!(near(one.p_value, other.p_value), "{name} {one:?} {other:?}");
        }
        prop_assert!(near(wasserstein::distance(&a, &b), wasserstein::distance(&b, &a)));
        prop_assert!(near(energy::distance(&a, &b), energy::distance(&b, &a)));
    }

    #[test]
    fn the_unit_does_not_matter(a in dyadic(), b in dyadic(), shift in -8_i32..8) {
        let shift = f64::from(shift);
        let (c, d) = (moved(&a, 2.0, shift), moved(&b, 2.0, shift));
        for ((name, one), (_, other)) in all_tests(&a, &b).into_iter().zip(all_tests(&c, &d)) {
            // The covariance of a few values may be so near singular that rounding decides its rank.
            if name != "epps_singleton" {
                prop_assert!(near(one.p_value, other.p_value), "{name} {one:?} {other:?}");
            }
        }
        prop_assert!(near(wasserstein::distance(&c, &d), 2.0 * wasserstein::distance(&a, &b)));
        prop_assert!(near(energy::distance(&c, &d), 2.0_f64.sqrt() * energy::distance(&a, &b)));
        let (one, other) =
            (wasserstein::normed_distance(&c, &d), wasserstein::normed_distance(&a, &b));
        prop_assert!(one == other || near(one, other), "{one} {other}");
    }

    #[test]
    fn a_sample_does_not_differ_from_itself(a in dyadic()) {
        for (name, result) in all_tests(&a, &a) {
            let least = if name == "anderson_darling" { 0.25 } else { 0.99 };
            prop_assert!(result.p_value >= least, "{name} {result:?}");
        }
        prop_assert_eq!(wasserstein::distance(&a, &a), 0.0);
        prop_assert_eq!(wasserstein::normed_distance(&a, &a), 0.0);
        prop_assert_eq!(energy::distance(&a, &a), 0.0);
    }

    #[test]
    fn less_and_greater_are_each_others_mirror(a in dyadic(), b in dyadic()) {
        let (less, greater) = (Alternative::Less, Alternative::Greater);
        for method in [KsMethod::Auto, KsMethod::Asymptotic] {
            let options = KsOptions::default().with_method(method);
            let one = ks::test(&a, &b, options.with_alternative(less)).unwrap();
            let other = ks::test(&b, &a, options.with_alternative(greater)).unwrap();
            prop_assert_eq!(one.statistic, other.statistic);
            prop_assert!(near(one.p_value, other.p_value), "{:?} {:?}", one, other);
            prop_assert_eq!((one.sign, other.sign), (KsSign::First, KsSign::Second));
        }
        let options = MannWhitneyOptions::default();
        let one = mann_whitney::test(&a, &b, options.with_alternative(less)).unwrap();
        let other = mann_whitney::test(&b, &a, options.with_alternative(greater)).unwrap();
        prop_assert!(near(one.p_value, other.p_value), "{:?} {:?}", one, other);
        let options = brunner_munzel::BrunnerMunzelOptions::default();
        if a.len() > 1 && b.len() > 1 {
            let one = brunner_munzel::test(&a, &b, options.with_alternative(less)).unwrap();
            let other = brunner_munzel::test(&b, &a, options.with_alternative(greater)).unwrap();
            prop_assert!(near(one.p_value, other.p_value), "{:?} {:?}", one, other);
        }
    }

    #[test]
    fn the_location_is_where_the_difference_is(a in dyadic(), b in dyadic()) {
        let result = ks::test(&a, &b, KsOptions::default()).unwrap();
        let share = |sample: &Sample| {
            let up_to = sample.values().iter().filter(|value| **value <= result.location).count();
            up_to as f64 / sample.len() as f64
        };
        let difference = share(&a) - share(&b);
        if result.statistic > 0.0 {
            prop_assert!((difference.abs() - result.statistic).abs() < 1e-12);
            prop_assert_eq!(result.sign == KsSign::First, difference > 0.0);
        }
    }

    #[test]
    fn distances_are_metrics(a in dyadic(), b in dyadic(), c in dyadic()) {
        for distance in [wasserstein::distance, energy::distance] {
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c) + 1e-12);
        }
        prop_assert!(wasserstein::distance(&a, &b) >= (a.mean() - b.mean()).abs() - 1e-12);
    }

    #[test]
    fn a_shift_is_its_distance(a in dyadic(), shift in -80_i32..80) {
        let shift = f64::from(shift) / 8.0;
        let distance = wasserstein::distance(&a, &moved(&a, 1.0, shift));
        prop_assert!((distance - shift.abs()).abs() < 1e-12);
    }
}

#[test]
fn constants_that_differ_are_as_far_apart_as_can_be() {
    let (a, b) = (sample(&[1.0; 6]), moved(&sample(&[1.0; 6]), 1.0, 1.0));
    let ks = ks::test(&a, &b, KsOptions::default()).unwrap();
    // Two of the 924 orders.
    assert!(ks.statistic == 1.0 && (ks.p_value * 462.0 - 1.0).abs() < 1e-14);
    let bm = brunner_munzel::test(&a, &b, Default::default()).unwrap();
    assert!(bm.statistic == f64::INFINITY && (bm.p_value * 462.0 - 1.0).abs() < 1e-12);
    let bm = brunner_munzel::test(&b, &a, Default::default()).unwrap();
    assert!(bm.statistic == f64::NEG_INFINITY && (bm.p_value * 462.0 - 1.0).abs() < 1e-12);
    assert_eq!(wasserstein::normed_distance(&a, &b), f64::INFINITY);
    assert_eq!(wasserstein::normed_distance(&b, &b), 0.0);
}

#[test]
fn the_largest_numbers_do_not_make_nan() {
    let (a, b) = (sample(&[f64::MIN, 0.0, f64::MAX]), sample(&[f64::MIN, f64::MAX, f64::MAX]));
    assert!((wasserstein::distance(&a, &b) / f64::MAX * 3.0 - 1.0).abs() < 1e-12);
    assert_eq!(wasserstein::distance(&sample(&[f64::MIN]), &sample(&[f64::MAX])), f64::INFINITY);
    assert!(energy::distance(&sample(&[f64::MIN]), &sample(&[f64::MAX])).is_finite());
    assert!(!wasserstein::normed_distance(&a, &b).is_nan());
    for (name, result) in all_tests(&a, &b) {
        assert!((0.0..=1.0).contains(&result.p_value), "{name} {result:?}");
    }
}

#[test]
fn the_unit_does_not_matter_to_characteristic_functions() {
    let mut random = SplitMix64(7);
    let a = random.sample("reference", 60, "forty");
    let b = moved(&random.sample("current", 70, "forty"), 1.0, 0.5);
    let one = epps_singleton::test(&a, &b, Default::default()).unwrap();
    let (a, b) = (moved(&a, 2.0, -3.0), moved(&b, 2.0, -3.0));
    let other = epps_singleton::test(&a, &b, Default::default()).unwrap();
    assert!(near(one.p_value, other.p_value), "{one:?} {other:?}");
}

#[test]
fn the_normal_law_of_u_is_near_the_exact_one() {
    let mut random = SplitMix64(5);
    for (n1, n2) in [(12, 15), (30, 30), (60, 200)] {
        let a = random.sample("reference", n1, "uniform");
        let b = moved(&random.sample("current", n2, "uniform"), 1.0, 0.1);
        let p = |method| {
            let options = MannWhitneyOptions::default().with_method(method);
            mann_whitney::test(&a, &b, options).unwrap().p_value
        };
        let (exact, normal) = (p(MannWhitneyMethod::Exact), p(MannWhitneyMethod::Normal));
        assert!((exact - normal).abs() < 0.01, "{exact} {normal}");
    }
}

#[test]
fn permutations_repeat_by_seed_and_count_ties_as_extreme() {
    let mut random = SplitMix64(6);
    let (a, b) = (random.sample("reference", 20, "bell"), random.sample("current", 25, "bell"));
    let options = PermutationOptions::default().with_permutations(199);
    let p = |seed| {
        let options = options.with_seed(seed);
        permutation::test(&a, &b, options, wasserstein::distance).unwrap().p_value
    };
    assert_eq!(p(1), p(1));
    assert_ne!((p(1), p(2)), (p(3), p(4)));
    let result = permutation::test(&a, &b, options, |_, _| f64::INFINITY).unwrap();
    assert_eq!((result.statistic, result.p_value), (f64::INFINITY, 1.0));
    // Both parts of every permutation are sorted, of the sizes of the samples, and have all values.
    let total: f64 = a.values().iter().chain(b.values()).sum();
    let checked = permutation::test(&a, &b, options, |a, b| {
        assert_eq!((a.len(), b.len()), (20, 25));
        assert!(a.values().is_sorted() && b.values().is_sorted());
        let sum: f64 = a.values().iter().chain(b.values()).sum();
        assert!((sum - total).abs() < 1e-9);
        a.mean()
    });
    assert!(checked.unwrap().p_value > 0.005);
    let shifted = moved(&a, 1.0, 4.0);
    let result = anderson_darling::permutation_test(&a, &shifted, options).unwrap();
    assert_eq!(result.p_value, 0.005);
    assert_eq!(result.statistic, anderson_darling::test(&[&a, &shifted]).unwrap().statistic);
}

/// Values at either end of all there are, and next to 0.
fn extreme() -> impl Strategy<Value = Sample> {
    let ends = [f64::MAX, 1e300, 1e155, 1.0, 1e-155, 1e-310, 5e-324, 0.0];
    let values = prop::sample::select(ends.to_vec());
    let value = (values, any::<bool>()).prop_map(|(value, sign)| if sign { value } else { -value });
    prop::collection::vec(value, 1..12).prop_map(|values| Sample::new("reference", values).unwrap())
}

proptest! {
    #[test]
    fn no_finite_values_make_a_figure_that_is_no_number(a in extreme(), b in extreme()) {
        for (name, result) in all_tests(&a, &b) {
            prop_assert!((0.0..=1.0).contains(&result.p_value), "{} {:?}", name, result);
            prop_assert!(!result.statistic.is_nan(), "{} {:?}", name, result);
        }
        for distance in [
            wasserstein::distance(&a, &b),
            wasserstein::normed_distance(&a, &b),
            energy::distance(&a, &b),
            a.mean(),
            a.standard_deviation(),
            a.quantile(0.3).unwrap(),
        ] {
            prop_assert!(!distance.is_nan());
        }
    }
}

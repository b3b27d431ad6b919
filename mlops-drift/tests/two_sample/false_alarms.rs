//! How often each test finds a difference at 5 % where there is none, in seeded simulations.

use mlops_core::stats::Alternative;
use mlops_drift::stats::{
    Sample, anderson_darling, brunner_munzel,
    cramer_von_mises::{self, CramerVonMisesOptions, CramerVonMisesTies},
    epps_singleton::{self, EppsSingletonCovariance},
    ks::{self, KsMethod, KsOptions},
    kuiper, mann_whitney,
    permutation::{self, PermutationOptions},
    t_test, wasserstein,
};

use crate::samples::SplitMix64;

/// The share of false alarms at 5 % among `rounds` pairs of samples of one distribution.
fn alarms(
    rounds: u32,
    sizes: (usize, usize),
    kind: &str,
    p_value: impl Fn(&Sample, &Sample, u32) -> f64,
) -> f64 {
    let mut random = SplitMix64(20_261_121);
    let found = (0..rounds)
        .filter(|round| {
            let a = random.sample("reference", sizes.0, kind);
            let b = random.sample("current", sizes.1, kind);
            p_value(&a, &b, *round) <= 0.05
        })
        .count();
    found as f64 / f64::from(rounds)
}

/// Four and a half standard deviations of the share, once in 150 000 by chance.
#[track_caller]
fn nominal(share: f64, rounds: u32) {
    let bound = 4.5 * (0.05 * 0.95 / f64::from(rounds)).sqrt();
    assert!((share - 0.05).abs() < bound, "{share} is not within {bound} of 0.05");
}

/// For tests of few possible statistics, which cannot use up all of 5 %.
#[track_caller]
fn at_most_nominal(share: f64, rounds: u32, least: f64) {
    let bound = 4.5 * (0.05 * 0.95 / f64::from(rounds)).sqrt();
    assert!((least..0.05 + bound).contains(&share), "{share} is not in {least} to 0.05 + {bound}");
}

#[test]
fn kolmogorov_smirnov_and_kuiper() {
    let ks = |method| {
        move |a: &Sample, b: &Sample, _: u32| {
            ks::test(a, b, KsOptions::default().with_method(method)).unwrap().p_value
        }
    };
    at_most_nominal(alarms(4000, (40, 30), "bell", ks(KsMethod::Exact)), 4000, 0.025);
    at_most_nominal(alarms(4000, (300, 200), "bell", ks(KsMethod::Asymptotic)), 4000, 0.025);
    at_most_nominal(alarms(4000, (60, 50), "five", ks(KsMethod::Exact)), 4000, 0.0);
    for alternative in [Alternative::Less, Alternative::Greater] {
        let options = KsOptions::default().with_alternative(alternative);
        let share =
            alarms(4000, (40, 37), "bell", |a, b, _| ks::test(a, b, options).unwrap().p_value);
        at_most_nominal(share, 4000, 0.025);
    }
    let share = alarms(4000, (80, 70), "bell", |a, b, _| kuiper::test(a, b).p_value);
    at_most_nominal(share, 4000, 0.02);
}

#[test]
fn squares_of_differences() {
    let cvm = |a: &Sample, b: &Sample, _: u32| {
        cramer_von_mises::test(a, b, Default::default()).unwrap().p_value
    };
    nominal(alarms(4000, (40, 30), "bell", cvm), 4000);
    at_most_nominal(alarms(1000, (8, 9), "bell", cvm), 1000, 0.02);
    let ad = |a: &Sample, b: &Sample, _: u32| anderson_darling::test(&[a, b]).unwrap().p_value;
    nominal(alarms(4000, (40, 30), "bell", ad), 4000);
    nominal(alarms(4000, (40, 30), "forty", ad), 4000);
}

/// Where the variants others compute find what is not there, which is why they are not the default.
#[test]
fn ties_and_unequal_sizes() {
    let cvm = |ties| {
        move |a: &Sample, b: &Sample, _: u32| {
            let options = CramerVonMisesOptions::default().with_ties(ties);
            cramer_von_mises::test(a, b, options).unwrap().p_value
        }
    };
    let default = CramerVonMisesOptions::default().ties;
    nominal(alarms(1000, (300, 2000), "forty", cvm(default)), 1000);
    let mid_ranks = cvm(CramerVonMisesTies::MidRanks);
    assert!(alarms(100, (300, 2000), "forty", mid_ranks) > 0.9);

    let es = |covariance| {
        move |a: &Sample, b: &Sample, _: u32| {
            epps_singleton::test(a, b, covariance).unwrap().p_value
        }
    };
    nominal(alarms(2000, (400, 30), "bell", es(EppsSingletonCovariance::default())), 2000);
    let separate = es(EppsSingletonCovariance::Separate);
    assert!(alarms(1000, (400, 30), "bell", separate) > 0.1);
}

#[test]
fn ranks_and_means() {
    let mwu = |a: &Sample, b: &Sample, _: u32| {
        mann_whitney::test(a, b, Default::default()).unwrap().p_value
    };
    nominal(alarms(4000, (40, 30), "bell", mwu), 4000);
    nominal(alarms(4000, (40, 30), "five", mwu), 4000);
    at_most_nominal(alarms(4000, (8, 9), "bell", mwu), 4000, 0.02);
    let bm = |a: &Sample, b: &Sample, _: u32| {
        brunner_munzel::test(a, b, Default::default()).unwrap().p_value
    };
    nominal(alarms(4000, (60, 50), "bell", bm), 4000);
    nominal(alarms(4000, (60, 50), "five", bm), 4000);
    for test in [t_test::student, t_test::welch, t_test::z] {
        let share = alarms(4000, (200, 150), "bell", |a, b, _| {
            test(a, b, Alternative::TwoSided).unwrap().p_value
        });
        nominal(share, 4000);
    }
}

#[test]
fn characteristic_functions_and_permutations() {
    let es = |a: &Sample, b: &Sample, _: u32| {
        epps_singleton::test(a, b, Default::default()).unwrap().p_value
    };
    nominal(alarms(2000, (200, 150), "bell", es), 2000);
    nominal(alarms(2000, (200, 150), "forty", es), 2000);
    let permuted = |a: &Sample, b: &Sample, round: u32| {
        let options =
            PermutationOptions::default().with_permutations(99).with_seed(u64::from(round));
        permutation::test(a, b, options, wasserstein::distance).unwrap().p_value
    };
    nominal(alarms(1000, (30, 20), "bell", permuted), 1000);
    let share = alarms(1000, (30, 20), "five", |a, b, round| {
        let options =
            PermutationOptions::default().with_permutations(99).with_seed(u64::from(round));
        anderson_darling::permutation_test(a, b, options).unwrap().p_value
    });
    at_most_nominal(share, 1000, 0.02);
}

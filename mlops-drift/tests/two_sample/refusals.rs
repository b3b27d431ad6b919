//! What is refused, and how that is said.

use mlops_core::stats::Alternative;
use mlops_drift::stats::{
    Sample, anderson_darling, brunner_munzel,
    cramer_von_mises::{self, CramerVonMisesMethod, CramerVonMisesOptions},
    epps_singleton,
    ks::{self, KsMethod, KsOptions},
    mann_whitney::{self, MannWhitneyMethod, MannWhitneyOptions},
    permutation::{self, PermutationOptions},
    t_test,
};

use crate::samples::{SplitMix64, sample};

fn current(values: &[f64]) -> Sample {
    Sample::from_slice("current", values).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: mlops_core::Result<T>, message: &str) {
    let error = result.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.to_string(), message);
}

#[test]
fn samples_that_are_too_small() {
    let (one, two, many) =
        (current(&[1.0]), sample(&[1.0, 2.0]), sample(&[1.0, 2.0, 3.0, 4.0, 5.0]));
    let few = "invalid current: 1 values; at least 2 are needed";
    refused(cramer_von_mises::test(&two, &one, Default::default()), few);
    refused(cramer_von_mises::test(&one, &two, Default::default()), few);
    refused(brunner_munzel::test(&two, &one, Default::default()), few);
    refused(brunner_munzel::test(&one, &two, Default::default()), few);
    refused(
        epps_singleton::test(&many, &one, Default::default()),
        "invalid current: 1 values; at least 5 are needed",
    );
    refused(
        epps_singleton::test(&two, &many, Default::default()),
        "invalid reference: 2 values; at least 5 are needed",
    );
    refused(
        anderson_darling::test(&[&two, &one]),
        "invalid samples: 3 values in all; at least 4 are needed",
    );
    refused(anderson_darling::test(&[&many]), "invalid samples: 1; at least 2 are needed");
    for test in [t_test::student, t_test::welch, t_test::z] {
        assert!(test(&two, &one, Alternative::TwoSided).unwrap_err().is_invalid_request());
        assert!(test(&one, &two, Alternative::TwoSided).unwrap_err().is_invalid_request());
    }
}

#[test]
fn samples_without_a_scale() {
    let mostly_zero = sample(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0]);
    refused(
        epps_singleton::test(&mostly_zero, &current(&[0.0; 5]), Default::default()),
        "invalid samples: the interquartile range of all values is 0",
    );
}

#[test]
fn methods_that_do_not_apply() {
    let tied = sample(&[1.0, 1.0]);
    refused(
        mann_whitney::test(
            &tied,
            &tied,
            MannWhitneyOptions::default().with_method(MannWhitneyMethod::Exact),
        ),
        "invalid method: the exact law holds for samples without ties",
    );
    let mut random = SplitMix64(1);
    let large = random.sample("reference", 100_001, "uniform");
    let other = random.sample("current", 100_000, "uniform");
    refused(
        ks::test(&large, &other, KsOptions::default().with_method(KsMethod::Exact)),
        "invalid method: the exact law of 100001 and 100000 values takes too long",
    );
    refused(
        mann_whitney::test(
            &large,
            &other,
            MannWhitneyOptions::default().with_method(MannWhitneyMethod::Exact),
        ),
        "invalid method: the exact law of 100001 and 100000 values takes too long",
    );
    let twenty_one = random.sample("reference", 21, "uniform");
    refused(
        cramer_von_mises::test(
            &tied,
            &twenty_one,
            CramerVonMisesOptions::default().with_method(CramerVonMisesMethod::Exact),
        ),
        "invalid method: the exact law is for at most 20 values, not 2 and 21",
    );
}

#[test]
fn permutations_that_say_nothing() {
    let two = sample(&[1.0, 2.0]);
    let none = PermutationOptions::default().with_permutations(0);
    refused(
        permutation::test(&two, &two, none, |_, _| 0.0),
        "invalid permutations: 0; at least one is needed",
    );
    refused(
        permutation::test(&two, &two, PermutationOptions::default(), |_, _| f64::NAN),
        "invalid statistic: NaN",
    );
}

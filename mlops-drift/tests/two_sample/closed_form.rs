//! Samples and results that can be checked by hand or in an interpreter.

use mlops_core::stats::Alternative;
use mlops_drift::stats::{
    Sample,
    cramer_von_mises::{self, CramerVonMisesOptions, CramerVonMisesTies},
    energy,
    epps_singleton::{self, EppsSingletonCovariance},
    kolmogorov,
    ks::{self, KsMethod, KsOptions},
    mann_whitney, t_test, wasserstein,
};

use crate::samples::sample;

/// These samples have ties.
fn scipy() -> CramerVonMisesOptions {
    CramerVonMisesOptions::default().with_ties(CramerVonMisesTies::MidRanks)
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} {expected}");
}

fn pair() -> (Sample, Sample) {
    let a = (1..=60).map(|i| f64::from(37 * i % 101) / 10.0).collect();
    let b = (1..=45).map(|i| f64::from(53 * i % 97) / 9.0).collect();
    (Sample::new("reference", a).unwrap(), Sample::new("current", b).unwrap())
}

#[test]
fn scipy_on_a_fixed_pair() {
    let (a, b) = pair();
    for (alternative, exact) in [
        (Alternative::TwoSided, 0.9999855935906298),
        (Alternative::Less, 0.8230975934719383),
        (Alternative::Greater, 0.8230975934719383),
    ] {
        let options = KsOptions::default().with_alternative(alternative);
        close(ks::test(&a, &b, options).unwrap().p_value, exact);
    }
    let asymptotic = KsOptions::default().with_method(KsMethod::Asymptotic);
    close(ks::test(&a, &b, asymptotic).unwrap().p_value, 0.9999817198060557);
    close(wasserstein::distance(&a, &b), 0.19728395061728407);
    close(energy::distance(&a, &b), 0.10778350500246917);
    let mwu = mann_whitney::test(&a, &b, Default::default()).unwrap();
    assert_eq!(mwu.statistic, 1336.0);
    close(mwu.p_value, 0.9303392675471577);
    let cvm = cramer_von_mises::test(&a, &b, scipy()).unwrap();
    assert!((cvm.statistic - 0.01431216931216639).abs() < 1e-12);
    // SciPy's series stops at terms of 1e-7.
    assert!((cvm.p_value - 0.9999559818152455).abs() < 1e-7);
    let es = epps_singleton::test(&a, &b, EppsSingletonCovariance::Separate).unwrap();
    // The covariance has a condition number of 48 000, and SciPy's own last three digits vary.
    assert!((es.statistic - 1.3178836157242718).abs() < 1e-11, "{}", es.statistic);
    assert!((es.p_value - 0.8583340892233211).abs() < 1e-11, "{}", es.p_value);
    close(t_test::student(&a, &b, Alternative::TwoSided).unwrap().p_value, 0.9511810163545651);
}

#[test]
fn scipy_on_a_small_fixed_pair() {
    let a = (1..=9).map(|i| f64::from(37 * i % 101) / 10.0).collect();
    let b = (1..=11).map(|i| f64::from(53 * i % 97) / 9.0).collect();
    let (a, b) = (Sample::new("reference", a).unwrap(), Sample::new("current", b).unwrap());
    let cvm = cramer_von_mises::test(&a, &b, scipy()).unwrap();
    close(cvm.p_value, 0.999857108835437);
}

#[test]
fn kolmogorovs_law() {
    for (d, n, p) in [
        (0.004253, 500_000, 2.781301289525973e-08),
        (0.05, 140, 0.8576480297656114),
        (0.05, 141, 0.854845693009663),
        (0.9, 30, 2.0042242302997654e-30),
    ] {
        let found = kolmogorov::sf(d, n);
        assert!((found / p - 1.0).abs() < 1e-10, "{d} {n}: {found} {p}");
    }
}

#[test]
fn tables_of_two_and_three() {
    // Every order of two and three values: D is 1 in two of ten.
    let (a, b) = (sample(&[1.0, 2.0]), sample(&[3.0, 4.0, 5.0]));
    let result = ks::test(&a, &b, KsOptions::default()).unwrap();
    assert_eq!((result.statistic, result.location, result.sign), (1.0, 2.0, ks::KsSign::First));
    close(result.p_value, 0.2);
    let mwu = mann_whitney::test(&a, &b, Default::default()).unwrap();
    assert_eq!(mwu.statistic, 0.0);
    close(mwu.p_value, 0.2);
}

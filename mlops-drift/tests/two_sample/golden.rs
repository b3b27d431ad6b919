//! Against `golden.json`, which `make_golden.py` writes.

use std::{collections::BTreeSet, sync::LazyLock};

use mlops_core::stats::Alternative::{Greater, Less, TwoSided};
use mlops_drift::stats::{
    Sample, anderson_darling, brunner_munzel,
    cramer_von_mises::{self, CramerVonMisesMethod, CramerVonMisesOptions, CramerVonMisesTies},
    energy,
    epps_singleton::{self, EppsSingletonCovariance},
    kolmogorov,
    ks::{self, KsMethod, KsOptions},
    kuiper, mann_whitney, smirnov, t_test, wasserstein,
};
use serde_json::Value;

use crate::samples::{SplitMix64, moved};

static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("golden.json")).unwrap());

fn rows(name: &str) -> impl Iterator<Item = Vec<f64>> {
    let rows = GOLDEN[name].as_array().unwrap();
    assert!(rows.len() >= 10, "{name}");
    rows.iter().map(|row| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect())
}

#[track_caller]
fn near(found: f64, expected: f64, relative: f64, context: &dyn std::fmt::Debug) {
    let error = (found - expected).abs();
    assert!(error <= relative * expected.abs(), "{context:?}: {found:e}, not {expected:e}");
}

#[test]
fn kolmogorovs_law_is_scipys() {
    for row in rows("kstwo") {
        near(kolmogorov::sf(row[1], row[0] as u64), row[2], 1e-9, &row);
    }
}

#[test]
fn smirnovs_law_is_its_sum_in_fifty_digits() {
    for row in rows("smirnov") {
        near(smirnov::sf(row[1], row[0] as u64), row[2], 1e-11, &row);
    }
}

#[test]
fn limits_are_their_series_in_fifty_digits() {
    for row in rows("limits") {
        near(kolmogorov::limit_sf(row[0]), row[1], 1e-12, &row);
        near(kuiper::limit_sf(row[0]), row[2], 1e-12, &row);
    }
    for row in rows("cvm_limit") {
        near(cramer_von_mises::limit_sf(row[0]), row[1], 1e-12, &row);
    }
}

/// One of the random cases: its samples, and what to hold results to.
struct Case {
    row: &'static Value,
    first: Sample,
    second: Sample,
}

fn cases() -> impl Iterator<Item = Case> {
    let cases = GOLDEN["cases"].as_array().unwrap();
    assert!(cases.len() > 250);
    cases.iter().map(|row| {
        let made = &row["sample"];
        let mut random = SplitMix64(made[0].as_u64().unwrap());
        let count = |index: usize| made[index].as_u64().unwrap() as usize;
        let kind = made[3].as_str().unwrap();
        let (scale, shift) = (made[4].as_f64().unwrap(), made[5].as_f64().unwrap());
        let first = random.sample("reference", count(1), kind);
        let second = (0..count(2)).map(|_| random.value(kind) * scale + shift).collect();
        Case { row, first, second: Sample::new("current", second).unwrap() }
    })
}

impl Case {
    /// Holds results to those under this name; where there is none, SciPy has none either.
    #[track_caller]
    fn holds(&self, name: &str, index: usize, found: f64) -> bool {
        let expected =
            if self.row[name].is_number() { &self.row[name] } else { &self.row[name][index] };
        let Some(expected) = expected.as_f64() else { return false };
        let error = (found - expected).abs();
        // A probability must be right in its digits, however small; a statistic near zero cannot be.
        let allowed = 1e-9 * expected.abs() + if index == 0 { 1e-12 } else { 0.0 };
        let made = &self.row["sample"];
        assert!(error <= allowed, "{made}, {name} {index}: {found:e}, not {expected:e}");
        true
    }
}

#[test]
fn kolmogorov_smirnov() {
    let mut exact = 0;
    for case in cases() {
        let run = |alternative, method| {
            let options = KsOptions::default().with_alternative(alternative).with_method(method);
            ks::test(&case.first, &case.second, options).unwrap()
        };
        let result = run(TwoSided, KsMethod::Auto);
        case.holds("ks", 0, result.statistic);
        case.holds("ks", 1, result.p_value);
        case.holds("ks", 2, run(TwoSided, KsMethod::Asymptotic).p_value);
        for (name, alternative) in [("ks_less", Less), ("ks_greater", Greater)] {
            if !case.row[name][0].is_null() {
                exact += 1;
                near(
                    run(alternative, KsMethod::Exact).p_value,
                    case.row[name][0].as_f64().unwrap(),
                    1e-11,
                    &(name, &case.row["sample"]),
                );
            }
            case.holds(name, 1, run(alternative, KsMethod::Asymptotic).p_value);
        }
    }
    assert!(exact > 400, "{exact}");
}

#[test]
fn cramer_von_mises_tests() {
    let scipy = CramerVonMisesOptions::default().with_ties(CramerVonMisesTies::MidRanks);
    let mut untied = 0;
    for case in cases() {
        let result = cramer_von_mises::test(&case.first, &case.second, scipy).unwrap();
        let distinct: BTreeSet<u64> = [&case.first, &case.second]
            .iter()
            .flat_map(|sample| sample.values().iter().map(|value| value.to_bits()))
            .collect();
        if distinct.len() == case.first.len() + case.second.len() {
            let by_default = cramer_von_mises::test(&case.first, &case.second, Default::default());
            assert_eq!(by_default.unwrap(), result);
            untied += 1;
        }
        case.holds("cvm", 0, result.statistic);
        if case.first.len().max(case.second.len()) <= 20 {
            case.holds("cvm", 1, result.p_value);
            let options = scipy.with_method(CramerVonMisesMethod::Asymptotic);
            let result = cramer_von_mises::test(&case.first, &case.second, options).unwrap();
            case.holds("cvm", 2, result.p_value);
        } else {
            // SciPy's series stops at terms of 1e-7; the digits are mpmath's.
            let scipys = case.row["cvm"][1].as_f64().unwrap();
            assert!((result.p_value - scipys).abs() < 2e-7, "{}", case.row["sample"]);
            case.holds("cvm", 2, result.p_value);
        }
    }
    assert!(untied > 100, "{untied}");
}

#[test]
fn anderson_darling_tests() {
    let mut ends = [0; 3];
    for case in cases() {
        let Ok(result) = anderson_darling::test(&[&case.first, &case.second]) else {
            assert!(case.row["ad"].is_null());
            continue;
        };
        if case.holds("ad", 0, result.statistic) {
            case.holds("ad", 1, result.p_value);
            ends[result.range as usize] += 1;
        }
    }
    assert!(ends.iter().all(|count| *count > 20), "{ends:?}");
}

#[test]
fn anderson_darling_tests_of_more_samples() {
    let rows = GOLDEN["anderson_k"].as_array().unwrap();
    assert_eq!(rows.len(), 40);
    for row in rows {
        let mut random = SplitMix64(row[0].as_u64().unwrap());
        let sizes = row[2].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize);
        let mut samples: Vec<_> =
            sizes.map(|size| random.sample("sample", size, row[1].as_str().unwrap())).collect();
        let last = samples.pop().unwrap();
        samples.push(moved(&last, 1.0, row[3].as_f64().unwrap()));
        let result = anderson_darling::test(&samples.iter().collect::<Vec<_>>()).unwrap();
        near(result.statistic, row[4].as_f64().unwrap(), 1e-9, row);
        near(result.p_value, row[5].as_f64().unwrap(), 1e-9, row);
    }
}

#[test]
fn mann_whitney_tests() {
    let mut exact = 0;
    for case in cases() {
        for (index, alternative) in [TwoSided, Less, Greater].into_iter().enumerate() {
            let options = mann_whitney::MannWhitneyOptions::default().with_alternative(alternative);
            let result = mann_whitney::test(&case.first, &case.second, options).unwrap();
            case.holds("mwu", 0, result.statistic);
            case.holds("mwu", 1 + index, result.p_value);
        }
        if !case.row["mwu_exact"].is_null() {
            exact += 1;
            let options = mann_whitney::MannWhitneyOptions::default()
                .with_method(mann_whitney::MannWhitneyMethod::Exact);
            let result = mann_whitney::test(&case.first, &case.second, options).unwrap();
            case.holds("mwu_exact", 1, result.p_value);
        }
    }
    assert!(exact > 50, "{exact}");
}

#[test]
fn epps_singleton_tests() {
    let mut held = 0;
    for case in cases() {
        if let Ok(result) =
            epps_singleton::test(&case.first, &case.second, EppsSingletonCovariance::Separate)
        {
            case.holds("es", 0, result.statistic);
            held += u32::from(case.holds("es", 1, result.p_value));
        } else {
            assert!(case.row["es"].is_null());
        }
    }
    assert!(held > 100, "{held}");
}

#[test]
fn brunner_munzel_tests() {
    for case in cases() {
        for (index, alternative) in [TwoSided, Less, Greater].into_iter().enumerate() {
            let options =
                brunner_munzel::BrunnerMunzelOptions::default().with_alternative(alternative);
            let result = brunner_munzel::test(&case.first, &case.second, options).unwrap();
            if case.holds("bm", 0, result.statistic) {
                case.holds("bm", 1 + index, result.p_value);
            }
        }
    }
}

#[test]
fn tests_of_means() {
    for case in cases() {
        let student = t_test::student(&case.first, &case.second, TwoSided).unwrap();
        case.holds("student", 0, student.statistic);
        case.holds("student", 1, student.p_value);
        let welch = t_test::welch(&case.first, &case.second, TwoSided).unwrap();
        case.holds("welch", 0, welch.statistic);
        case.holds("welch", 1, welch.p_value);
    }
}

#[test]
fn distances() {
    for case in cases() {
        let (first, second) = (&case.first, &case.second);
        case.holds("w1", 0, wasserstein::distance(first, second));
        case.holds("normed_w1", 0, wasserstein::normed_distance(first, second));
        case.holds("energy", 0, energy::distance(first, second));
    }
}

#[test]
fn kuiper_tests() {
    for case in cases() {
        let result = kuiper::test(&case.first, &case.second);
        case.holds("kuiper", 0, result.statistic);
        case.holds("kuiper", 1, result.p_value);
    }
}

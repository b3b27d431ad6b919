//! How often a report of data that has not changed says drift.

use std::collections::BTreeMap;

use mlops_core::stats::{binomial, correction::Correction};
use mlops_drift::{
    compare::{CategoryCounts, CompareOptions, Comparer, Numbers, Verdict},
    profile::{Column, FeatureProfile, ProfileOptions},
};

use crate::data::{Random, by_profiles, texts};

/// A table of columns of many kinds, both sides from one distribution: does any of them drift?
fn drifts(random: &mut Random, rows: [usize; 2], options: &CompareOptions) -> bool {
    let mut comparer = Comparer::new(options, rows[0] as u64, rows[1] as u64).unwrap();
    // Bell, heavy tail, heavy ties, few values, an outlier in the reference.
    for kind in 0..5 {
        let mut side = |rows: usize| -> Vec<f64> {
            (0..rows)
                .map(|_| match kind {
                    0 | 4 => random.normal(),
                    1 => 1.0 / (1.0 - random.uniform()),
                    2 => (random.uniform() * 40.0).floor(),
                    _ => (random.uniform() * 3.0).floor(),
                })
                .collect()
        };
        let (mut reference, current) = (side(rows[0]), side(rows[1]));
        if kind == 4 {
            reference[0] = 1e9;
        }
        let nulls = |random: &mut Random, rows: usize| {
            (0..rows).filter(|_| random.uniform() < 0.05).count() as u64
        };
        let nulls = rows.map(|rows| nulls(random, rows));
        let [reference, current] = [(reference, nulls[0]), (current, nulls[1])]
            .map(|(values, nulls)| Numbers::new(values, nulls).unwrap());
        comparer.numbers(&format!("number {kind}"), &reference, &current).unwrap();
    }
    for of in [4, 100] {
        let [reference, current] = rows.map(|rows| random.categories(rows, of));
        let (first, second) = (texts(&reference), texts(&current));
        let reference =
            FeatureProfile::fit(Column::categorical(&first), &ProfileOptions::default()).unwrap();
        let mut current = reference.empty_like();
        current.observe_column(Column::categorical(&second)).unwrap();
        comparer.profiles(&format!("{of} categories"), &reference, &current).unwrap();
    }
    comparer.finish().unwrap().verdict == Verdict::Drift
}

/// `reports` of each size of samples: with every difference counted, at most alpha of them say drift; with
/// the default, hardly any.
fn rates(reports: u64) {
    for rows in [[300, 300], [2000, 300], [300, 2000]] {
        let mut random = Random::new(7);
        for correction in [Correction::BenjaminiHochberg, Correction::Holm] {
            let any = CompareOptions::default()
                .with_min_effect(1e-9)
                .with_min_share(1e-9)
                .with_correction(correction);
            let alarms = (0..reports).filter(|_| drifts(&mut random, rows, &any)).count() as u64;
            let chance = binomial::sf(alarms.saturating_sub(1), reports, 0.05);
            assert!(chance > 1e-4, "{alarms} of {reports} at {rows:?} by {correction:?}");
            // Not far below it either, or the tests could not see much.
            assert!(alarms * 100 > reports, "{alarms} of {reports} at {rows:?}");
        }
        let default = CompareOptions::default();
        let alarms = (0..reports).filter(|_| drifts(&mut random, rows, &default)).count() as u64;
        assert!(
            binomial::sf(alarms.saturating_sub(1), reports, 0.05) > 1e-4,
            "{alarms} of {reports}"
        );
    }
}

#[test]
fn are_no_more_than_alpha() {
    rates(300);
}

/// Categories with many rare ones: the p-values of what a profile knows, and of what all counts tell.
#[test]
fn of_categories_are_nominal_however_rare_they_are() {
    const TRIALS: u64 = 200;
    let mut random = Random::new(8);
    for (of, rows) in
        [(20, [300, 3000]), (100, [300, 300]), (100, [3000, 300]), (1000, [3000, 3000])]
    {
        for power in [1, 3] {
            let mut alarms: BTreeMap<String, u64> = BTreeMap::new();
            for _ in 0..TRIALS {
                let [reference, current] = rows.map(|rows| -> Vec<String> {
                    (0..rows)
                        .map(|_| {
                            format!("c{}", (random.uniform().powi(power) * f64::from(of)) as u32)
                        })
                        .collect()
                });
                let (first, second) = (texts(&reference), texts(&current));
                let options = CompareOptions::default();
                let by_profiles = by_profiles(
                    Column::categorical(&first),
                    Column::categorical(&second),
                    &options,
                );
                let mut comparer = Comparer::new(&options, rows[0] as u64, rows[1] as u64).unwrap();
                comparer.categories("x", &counts(&first), &counts(&second)).unwrap();
                let by_counts = comparer.finish().unwrap();
                for (by, comparison) in [("profiles", by_profiles), ("counts", by_counts)] {
                    for found in &comparison.features[0].evidence {
                        *alarms.entry(format!("{:?} by {by}", found.aspect)).or_default() +=
                            u64::from(found.p_value <= 0.05);
                    }
                }
            }
            for (what, alarms) in alarms {
                let chance = binomial::sf(alarms.saturating_sub(1), TRIALS, 0.05);
                assert!(chance > 1e-4, "{what}: {alarms} of {TRIALS}, {of} categories, {rows:?}");
            }
        }
    }
}

/// What is left of the power: the same change is found by either.
#[test]
fn a_change_among_many_categories_is_found() {
    let mut random = Random::new(9);
    let mut side = |power: i32| -> Vec<String> {
        (0..3000).map(|_| format!("c{}", (random.uniform().powi(power) * 60.0) as u32)).collect()
    };
    let (reference, current) = (side(2), side(3));
    let (first, second) = (texts(&reference), texts(&current));
    let options = CompareOptions::default();
    let profiles = by_profiles(Column::categorical(&first), Column::categorical(&second), &options);
    let mut comparer = Comparer::new(&options, 3000, 3000).unwrap();
    comparer.categories("x", &counts(&first), &counts(&second)).unwrap();
    let counts = comparer.finish().unwrap();
    assert_eq!([profiles.verdict, counts.verdict], [Verdict::Drift; 2]);
}

fn counts(values: &[&str]) -> CategoryCounts {
    let mut counts = CategoryCounts::new(0);
    values.iter().for_each(|value| counts.add(value, 1));
    counts
}

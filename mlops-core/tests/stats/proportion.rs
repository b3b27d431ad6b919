//! Tests and intervals of proportions: scipy, statsmodels, laws, coverage.

use mlops_core::{
    Error,
    stats::{
        Alternative, TestResult, binomial,
        proportion::{Proportion, fisher_exact_test, newcombe_interval, two_proportion_z_test},
    },
};
use proptest::prelude::*;

use crate::golden::{assert_close, cases, counts, numbers};

const ALTERNATIVES: [(&str, Alternative); 3] = [
    ("two-sided", Alternative::TwoSided),
    ("less", Alternative::Less),
    ("greater", Alternative::Greater),
];

#[test]
fn values_of_scipy_and_statsmodels() {
    for case in cases("proportions") {
        let [a, n, c, m] = counts(&case["counts"]);
        let (first, second) = (Proportion::new(a, n).unwrap(), Proportion::new(c, m).unwrap());
        for (name, alternative) in ALTERNATIVES {
            let [statistic, p_value] = numbers(&case[name]);
            let found = two_proportion_z_test(&first, &second, alternative);
            if a + c == 0 || a + c == n + m {
                assert_eq!(found, TestResult { statistic: 0.0, p_value: 1.0 });
                continue;
            }
            assert!(
                (found.statistic - statistic).abs() < 1e-10 * (1.0 + statistic.abs()),
                "{case}"
            );
            assert_close(found.p_value, p_value, 1e-9, case);
        }
        for (interval, name) in [
            (first.wilson_interval(0.95), "wilson"),
            (first.clopper_pearson_interval(0.95), "clopper_pearson"),
            (newcombe_interval(&first, &second, 0.95), "newcombe"),
        ] {
            let interval = interval.unwrap();
            let [low, high] = numbers(&case[name]);
            assert!((interval.low - low).abs() < 1e-12, "{name} {case} {interval:?}");
            assert!((interval.high - high).abs() < 1e-12, "{name} {case} {interval:?}");
        }
    }
}

#[test]
fn exact_tests_of_scipy() {
    for case in cases("fishers") {
        let rows = case["table"].as_array().unwrap();
        let table = [counts(&rows[0]), counts(&rows[1])];
        for (name, alternative) in ALTERNATIVES {
            let [odds_ratio, p_value] = numbers(&case[name]);
            let found = fisher_exact_test(table, alternative).unwrap();
            assert_close(found.statistic, odds_ratio, 1e-14, case);
            assert_close(found.p_value, p_value, 1e-9, case);
        }
    }
}

#[test]
fn what_is_no_proportion_is_refused() {
    for (successes, trials) in [(0, 0), (3, 2), (u64::MAX, 1)] {
        let error = Proportion::new(successes, trials).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "proportion", .. }), "{error}");
    }
    let half = Proportion::new(1, 2).unwrap();
    for confidence in [0.0, 1.0, f64::NAN] {
        assert!(half.wilson_interval(confidence).is_err());
        assert!(half.clopper_pearson_interval(confidence).is_err());
        assert!(newcombe_interval(&half, &half, confidence).is_err());
    }
    for table in [[[1 << 52, 1 << 52], [0, 0]], [[u64::MAX, 1], [1, 1]]] {
        let error = fisher_exact_test(table, Alternative::Less).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "table", .. }), "{error}");
    }
}

#[test]
fn extreme_counts() {
    let all = Proportion::new(u64::MAX, u64::MAX).unwrap();
    let none = Proportion::new(0, u64::MAX).unwrap();
    let found = two_proportion_z_test(&all, &none, Alternative::TwoSided);
    assert!(found.statistic > 1e9 && found.p_value == 0.0);
    for (proportion, inside, outside) in [(all, 1.0, 0.999), (none, 0.0, 0.001)] {
        for interval in
            [proportion.wilson_interval(0.95), proportion.clopper_pearson_interval(0.95)]
        {
            let interval = interval.unwrap();
            assert!(interval.contains(inside) && !interval.contains(outside), "{interval:?}");
        }
    }
    // Of a proportion near 0, the upper end is as exact as it is small: 1 - 0.025^(1/n).
    let interval =
        Proportion::new(0, 1_000_000_000).unwrap().clopper_pearson_interval(0.95).unwrap();
    assert_close(interval.high, -((0.025_f64).ln() / 1e9).exp_m1(), 1e-12, interval);
    // Ties of a symmetric table are found however large it is.
    let table = [[500_100_000, 499_900_000], [499_900_000, 500_100_000]];
    let [two, one] = [Alternative::TwoSided, Alternative::Greater]
        .map(|a| fisher_exact_test(table, a).unwrap().p_value);
    assert_close(two, 2.0 * one, 1e-10, table);
}

#[test]
fn a_row_or_column_of_nothing_tells_nothing() {
    for table in
        [[[0, 0], [3, 4]], [[3, 4], [0, 0]], [[0, 3], [0, 4]], [[3, 0], [4, 0]], [[0; 2]; 2]]
    {
        for (_, alternative) in ALTERNATIVES {
            let found = fisher_exact_test(table, alternative).unwrap();
            assert_eq!(found, TestResult { statistic: 1.0, p_value: 1.0 });
        }
    }
}

/// How probable it is that an interval made by `interval` covers `p`.
fn coverage(trials: u64, p: f64, interval: impl Fn(&Proportion) -> (f64, f64)) -> f64 {
    let covers = |k: &u64| {
        let (low, high) = interval(&Proportion::new(*k, trials).unwrap());
        low <= p && p <= high
    };
    (0..=trials).filter(covers).map(|k| binomial::pmf(k, trials, p)).sum()
}

#[test]
fn intervals_cover_as_promised() {
    let mut naive_fails = false;
    for trials in [5, 20, 80] {
        let (mut wilson, mut points) = (0.0, 0.0);
        for step in 1..100 {
            let p = f64::from(step) / 100.0;
            let exact = coverage(trials, p, |proportion| {
                let interval = proportion.clopper_pearson_interval(0.9).unwrap();
                (interval.low, interval.high)
            });
            assert!(exact >= 0.9 - 1e-12, "{trials} {p} {exact}");
            wilson += coverage(trials, p, |proportion| {
                let interval = proportion.wilson_interval(0.9).unwrap();
                (interval.low, interval.high)
            });
            points += 1.0;
            let naive = coverage(trials, p, |proportion| {
                let p = proportion.estimate();
                let half = 1.644_853_6 * (p * (1.0 - p) / trials as f64).sqrt();
                (p - half, p + half)
            });
            naive_fails |= naive < 0.8;
        }
        assert!((wilson / points - 0.9).abs() < 0.02, "{trials} {}", wilson / points);
    }
    assert!(naive_fails, "the check would not notice an interval that does not cover");
}

/// How probable an alarm at 5 % is where both proportions are `p`.
fn false_alarms(trials: u64, p: f64, p_value: impl Fn(u64, u64) -> f64) -> f64 {
    let mass = |k| binomial::pmf(k, trials, p);
    let pairs = (0..=trials).flat_map(|a| (0..=trials).map(move |c| (a, c)));
    pairs.filter(|(a, c)| p_value(*a, *c) <= 0.05).map(|(a, c)| mass(a) * mass(c)).sum()
}

#[test]
fn false_alarms_come_as_often_as_promised() {
    let mut exact_at_most = 0.0_f64;
    for p in [0.02, 0.1, 0.3, 0.5, 0.8] {
        let exact = false_alarms(30, p, |a, c| {
            fisher_exact_test([[a, 30 - a], [c, 30 - c]], Alternative::TwoSided).unwrap().p_value
        });
        assert!(exact <= 0.05, "{p} {exact}");
        exact_at_most = exact_at_most.max(exact);
    }
    assert!(exact_at_most > 0.02, "{exact_at_most}");
    for p in [0.1, 0.3, 0.5] {
        let asymptotic = false_alarms(200, p, |a, c| {
            let [first, second] = [a, c].map(|k| Proportion::new(k, 200).unwrap());
            two_proportion_z_test(&first, &second, Alternative::TwoSided).p_value
        });
        assert!((asymptotic - 0.05).abs() < 0.01, "{p} {asymptotic}");
    }
}

proptest! {
    #[test]
    fn tables_have_symmetries(table: [[u8; 2]; 2]) {
        let [[a, b], [c, d]] = table.map(|row| row.map(u64::from));
        let p_value = |table, alternative| fisher_exact_test(table, alternative).unwrap().p_value;
        let same = |p: f64, q: f64| (p - q).abs() <= 1e-11 * p;
        for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
            let p = p_value([[a, b], [c, d]], alternative);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(same(p, p_value([[a, c], [b, d]], alternative)));
            prop_assert!(same(p, p_value([[d, c], [b, a]], alternative)));
        }
        let (less, greater) = (Alternative::Less, Alternative::Greater);
        prop_assert!(same(p_value([[a, b], [c, d]], less), p_value([[c, d], [a, b]], greater)));
        let two = Alternative::TwoSided;
        prop_assert!(same(p_value([[a, b], [c, d]], two), p_value([[c, d], [a, b]], two)));
    }

    #[test]
    fn intervals_hold_the_estimate_and_grow_with_confidence(
        trials in 1_u64..1_000_000, share in 0.0_f64..=1.0, confidence in 0.5_f64..0.99,
    ) {
        let proportion = Proportion::new((trials as f64 * share) as u64, trials).unwrap();
        let flipped = Proportion::new(proportion.failures(), trials).unwrap();
        for interval in [Proportion::wilson_interval, Proportion::clopper_pearson_interval] {
            let (narrow, wide) =
                (interval(&proportion, confidence).unwrap(), interval(&proportion, 0.995).unwrap());
            prop_assert!(narrow.contains(proportion.estimate()));
            prop_assert!(0.0 <= wide.low && wide.low <= narrow.low);
            prop_assert!(narrow.high <= wide.high && wide.high <= 1.0);
            let mirrored = interval(&flipped, confidence).unwrap();
            prop_assert!((mirrored.low + narrow.high - 1.0).abs() < 1e-12);
        }
        let difference = newcombe_interval(&proportion, &flipped, confidence).unwrap();
        prop_assert!(difference.contains(proportion.estimate() - flipped.estimate()));
    }
}

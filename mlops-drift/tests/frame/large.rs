//! Beyond the limits, where counts take the place of values.

use mlops_drift::{
    compare::{Aspect, Method, Verdict},
    frame::{FrameOptions, polars::prelude::*},
};

use super::data::{compare, frame, named, uniform};

fn numbers(seed: u64, rows: usize, shift: f64) -> Column {
    let values: Vec<_> = uniform(seed, rows).iter().map(|value| value + shift).collect();
    Column::new("x".into(), values)
}

#[test]
fn counts_say_what_values_say() {
    for (shift, verdict) in [(0.0, Verdict::NoDrift), (0.2, Verdict::Drift)] {
        let reference = frame(vec![numbers(1, 300_000, 0.0)]);
        let current = frame(vec![numbers(2, 100_000, shift)]);
        let exact = compare(&reference, &current, &FrameOptions::default()).unwrap();
        let limited = FrameOptions::default().with_max_values(50_000);
        let counted = compare(&reference, &current, &limited).unwrap();
        let [exact, counted] = [exact, counted].map(|mut found| found.features.remove(0));
        assert_eq!((exact.verdict, counted.verdict), (verdict, verdict));
        let methods = [&exact, &counted].map(|feature| feature.evidence[0].method);
        assert_eq!(methods, [Method::Ks, Method::BinnedKs]);
        // 96 bins: the statistic is too small by no more than what a bin holds.
        let effects = [&exact, &counted].map(|feature| feature.evidence[0].effect.value);
        assert!(effects[1] <= effects[0] + 1e-12 && effects[0] - effects[1] < 0.01, "{effects:?}");
        // Every row is counted, whatever the sample that the bins are of.
        assert_eq!((counted.reference.rows, counted.current.rows), (300_000, 100_000));
        let [a, b] = [&exact, &counted].map(|feature| feature.reference.mean.unwrap());
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn the_same_data_gives_the_same_figures() {
    let data = || (frame(vec![numbers(1, 300_000, 0.0)]), frame(vec![numbers(2, 9000, 0.1)]));
    let options = FrameOptions::default().with_max_values(1000);
    let [first, second] =
        [data(), data()].map(|(reference, current)| compare(&reference, &current, &options));
    assert_eq!(first.unwrap(), second.unwrap());
}

/// Identifiers, and in every fifth row one of these names.
fn flood(seed: u64, rows: usize, names: &[&str]) -> Column {
    let named = named(&uniform(seed, rows), names);
    let texts: Vec<String> = named
        .into_iter()
        .enumerate()
        .map(|(row, name)| if row % 5 == 0 { name } else { format!("{seed}-{row}") })
        .collect();
    Column::new("x".into(), texts)
}

#[test]
fn a_flood_of_categories_leaves_those_that_are_frequent() {
    let options = FrameOptions::default().with_max_categories(100);
    let reference = frame(vec![flood(1, 20_000, &["a", "b"])]);
    for (names, verdict) in [(["a", "b"], Verdict::NoDrift), (["a", "c"], Verdict::Drift)] {
        let current = frame(vec![flood(2, 20_000, &names)]);
        let mut found = compare(&reference, &current, &options).unwrap();
        let feature = found.features.remove(0);
        assert_eq!(feature.verdict, verdict, "{feature:?}");
        // About 16 000 identifiers and two names.
        assert!((feature.reference.distinct.unwrap() / 16_002.0 - 1.0).abs() < 0.05);
        assert!(feature.evidence.iter().all(|found| found.aspect != Aspect::Unseen));
    }
}

#[test]
fn a_flood_of_new_categories_is_unseen() {
    let options = FrameOptions::default().with_max_categories(100);
    let names = named(&uniform(1, 5000), &["a", "b", "c"]);
    let reference = frame(vec![Column::new("x".into(), names)]);
    let current = frame(vec![flood(2, 5000, &["a", "b", "c"])]);
    let feature = compare(&reference, &current, &options).unwrap().features.remove(0);
    let unseen = feature.evidence.iter().find(|found| found.aspect == Aspect::Unseen).unwrap();
    assert_eq!((unseen.verdict, feature.current.unseen), (Verdict::Drift, 4000));
}

#[test]
fn identifiers_alone_cannot_be_told_apart() {
    let options = FrameOptions::default().with_max_categories(100);
    let ids =
        |from: usize| -> Vec<String> { (from..from + 3000).map(|id| id.to_string()).collect() };
    let sides = [0, 3000].map(|from| frame(vec![Column::new("id".into(), ids(from))]));
    let feature = compare(&sides[0], &sides[1], &options).unwrap().features.remove(0);
    assert_eq!(feature.verdict, Verdict::Insufficient);
    assert!(feature.reason.unwrap().contains("too rare"));
}

#[test]
fn texts_are_no_categories_however_few() {
    let text = |letter: &str| letter.repeat(300);
    let column = |seed: u64| {
        let names = [text("a"), text("b"), "short".to_owned()];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Column::new("x".into(), named(&uniform(seed, 3000), &names))
    };
    let sides = [1, 2].map(|seed| frame(vec![column(seed)]));
    let feature =
        compare(&sides[0], &sides[1], &FrameOptions::default()).unwrap().features.remove(0);
    assert_eq!(feature.verdict, Verdict::NoDrift);
    let shape = format!("{:?}", feature.shape);
    assert!(shape.contains("short") && !shape.contains("aaa"), "{shape}");
}

#[test]
fn many_columns_are_read_a_few_at_a_time() {
    // More than are streamed or collected at once, of both kinds in turn.
    let side = |seed: u64| {
        let columns = (0..60_u64).map(|index| {
            let values = uniform(seed * 1000 + index, 200);
            let name = format!("c{index}").into();
            if index % 2 == 0 {
                Column::new(name, values)
            } else {
                Column::new(name, named(&values, &["a", "b"]))
            }
        });
        frame(columns.collect())
    };
    let limited = FrameOptions::default().with_max_values(100);
    for options in [FrameOptions::default(), limited] {
        let found = compare(&side(1), &side(2), &options).unwrap();
        let names: Vec<_> = found.features.iter().map(|feature| feature.name.clone()).collect();
        assert_eq!(names, (0..60).map(|index| format!("c{index}")).collect::<Vec<_>>());
        assert!(found.features.iter().all(|feature| feature.verdict != Verdict::Drift));
    }
}

#[test]
fn a_flood_without_a_drift_is_no_drift() {
    // Two thousand categories, the frequent ones of which are found in the reference itself: those that happen
    // to have more rows there than they should must not look like a drift.
    const TRIALS: u64 = 200;
    let options = FrameOptions::default().with_max_categories(30);
    let side = |seed: u64, rows: usize| {
        let names = uniform(seed, rows).into_iter().map(|u| 2000_f64.powf(u).floor().to_string());
        frame(vec![Column::new("x".into(), names.collect::<Vec<_>>())])
    };
    let (mut tested, mut rejected) = (0, 0);
    for trial in 0..TRIALS {
        let (reference, current) = (side(2 * trial, 1500), side(2 * trial + 1, 1000));
        let feature = compare(&reference, &current, &options).unwrap().features.remove(0);
        for found in feature.evidence.iter().filter(|e| e.aspect == Aspect::Distribution) {
            tested += 1;
            rejected += u64::from(found.p_value <= 0.05);
        }
    }
    // 5 %, and three standard deviations of so many trials.
    assert!(tested >= TRIALS / 2, "{tested} of {TRIALS}");
    let most = 0.05 * tested as f64 + 3.0 * (0.05 * 0.95 * tested as f64).sqrt();
    assert!(rejected as f64 <= most, "{rejected} of {tested}");
}

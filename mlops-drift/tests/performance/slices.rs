//! Which segment got worse.

use mlops_core::{
    random::{RandomKey, RandomStream},
    stats::{correction::Correction, normal},
    timestamp::Timestamp,
};
use mlops_drift::{
    performance::{
        Part, SegmentChange, SliceOptions, SliceReport, SliceTestOptions, SlicedLosses, Slicer,
    },
    profile::{Column, Origin, Profile, ProfileOptions, Value},
};
use proptest::prelude::*;

const PLANS: [&str; 4] = ["free", "pro", "team", "trial"];

/// A row: an age from 0 to 100, a plan, and an amount that is sometimes missing.
type Row = (f64, usize, Option<f64>);

fn rows(count: usize, random: &mut RandomStream) -> Vec<Row> {
    let row = |random: &mut RandomStream| {
        let amount = random.next_unit();
        (
            100.0 * random.next_unit(),
            random.next_below(4) as usize,
            (amount > 0.1).then_some(amount),
        )
    };
    (0..count).map(|_| row(random)).collect()
}

fn values(row: &Row) -> [Value<'static>; 3] {
    let amount = row.2.map_or(Value::Null, Value::Number);
    [Value::Number(row.0), Value::Category(PLANS[row.1]), amount]
}

fn profile(rows: &[Row]) -> Profile {
    let ages: Vec<_> = rows.iter().map(|row| row.0).collect();
    let plans: Vec<_> = rows.iter().map(|row| PLANS[row.1]).collect();
    let amounts: Vec<_> = rows.iter().filter_map(|row| row.2).collect();
    let nulls = (rows.len() - amounts.len()) as u64;
    let columns = [
        ("age", Column::numeric(&ages)),
        ("plan", Column::categorical(&plans)),
        ("amount", Column::Numeric { values: &amounts, nulls }),
    ];
    let origin = Origin::new("rows", Timestamp::EPOCH);
    Profile::fit(&columns, origin, &ProfileOptions::default()).unwrap()
}

fn slicer(random: &mut RandomStream) -> Slicer {
    Slicer::new(&profile(&rows(4000, random)), &SliceOptions::default()).unwrap()
}

fn observed(slicer: &Slicer, rows: &[Row], mut loss: impl FnMut(&Row) -> f64) -> SlicedLosses {
    let mut losses = slicer.losses();
    for row in rows {
        losses.observe(&values(row), loss(row)).unwrap();
    }
    losses
}

fn everything() -> SliceTestOptions {
    SliceTestOptions::default().with_limit(usize::MAX)
}

fn find<'a>(report: &'a SliceReport, name: &str) -> &'a SegmentChange {
    let mut segments = report.segments.iter();
    segments.find(|segment| segment.segment.to_string() == name).unwrap()
}

#[test]
fn the_segment_that_got_worse_is_the_first() {
    let mut random = RandomKey::from_seed(61).stream(0);
    let slicer = slicer(&mut random);
    let (then, now) = (rows(6000, &mut random), rows(6000, &mut random));
    let reference = observed(&slicer, &then, |_| f64::from(u8::from(random.next_unit() < 0.1)));
    let current = observed(&slicer, &now, |row| {
        let rate = if row.1 == 2 && row.0 < 50.0 { 0.5 } else { 0.1 };
        f64::from(u8::from(random.next_unit() < rate))
    });
    let report = current.compare(&reference, &everything()).unwrap();
    assert_eq!((report.reference.rows, report.current.rows), (6000, 6000));
    // An eighth of the rows is wrong 0.4 more often.
    assert!((report.change.value - 0.05).abs() < 3.0 * report.change.standard_error);
    let first = &report.segments[0];
    assert_eq!(first.segment.to_string(), "plan `team`");
    let difference = first.difference.unwrap();
    assert!(difference.interval.contains(0.2) && difference.adjusted_p_value < 1e-6);
    assert!((first.contribution() - report.change.value).abs() < 0.02);
    // Of the pairs, plan and age: every younger range is worse by 0.4 and no older one by anything.
    let in_team = report.segments.iter().filter_map(|segment| match segment.segment.0.as_slice() {
        [age, plan] if plan.part == Part::Category("team".to_owned()) => Some((age, segment)),
        _ => None,
    });
    let mut ranges = 0;
    for (age, segment) in in_team {
        if let (Part::Range { from: Some(from), to: Some(to) }, Some(difference)) =
            (&age.part, segment.difference)
        {
            ranges += 1;
            let worse = if *to < 52.0 { 0.4 } else { 0.0 };
            let is_pure = *to < 52.0 || *from > 48.0;
            assert!(!is_pure || (difference.value - worse).abs() < 0.16, "{age:?} {difference:?}");
            assert!(worse == 0.0 || difference.adjusted_p_value < 0.01);
        }
    }
    assert_eq!(ranges, 8);
    // Nothing else is a discovery but what has part of it.
    let amount = report.segments.iter().filter(|segment| {
        let parts = &segment.segment.0;
        parts.iter().all(|part| part.feature != "age")
            && parts.iter().any(|part| part.part == Part::Category("free".to_owned()))
    });
    for segment in amount {
        assert!(segment.difference.is_none_or(|it| it.adjusted_p_value > 0.01), "{segment:?}");
    }
}

#[test]
fn mix_and_change_within_are_told_apart() {
    let mut random = RandomKey::from_seed(62).stream(0);
    let slicer = slicer(&mut random);
    let (then, now) = (rows(4000, &mut random), rows(4000, &mut random));
    let by_plan = |row: &Row| [1.0, 2.0, 3.0, 10.0][row.1];
    let reference = observed(&slicer, &then, by_plan);
    let trials: Vec<_> = now.iter().map(|row| (row.0, row.1.max(2), row.2)).collect();
    let mix = observed(&slicer, &trials, by_plan).compare(&reference, &everything()).unwrap();
    let effects = &mix.features[1];
    assert_eq!(effects.features, ["plan"]);
    assert!(effects.within.abs() < 1e-9 && (effects.mix - mix.change.value).abs() < 1e-9);
    // By age nothing of that is seen but a change within.
    assert!(mix.features[0].mix.abs() < 0.1, "{:?}", mix.features[0]);
    // No row is `free` any more: what that adds is its share and how much better it was.
    let free = find(&mix, "plan `free`");
    assert_eq!((free.current.rows, free.current.loss, free.difference), (0, 0.0, None));
    let middle = 0.5 * (mix.reference.loss + mix.current.loss);
    assert!((free.contribution() + free.reference.share * (1.0 - middle)).abs() < 1e-9);
    let worse = observed(&slicer, &then, |row| by_plan(row) + f64::from(u8::from(row.1 == 1)));
    let within = worse.compare(&reference, &everything()).unwrap();
    let effects = &within.features[1];
    assert!(effects.mix.abs() < 1e-9 && (effects.within - within.change.value).abs() < 1e-9);
    let pro = find(&within, "plan `pro`");
    assert!((pro.within - within.change.value).abs() < 1e-9);
    // Constants that differ: there is no doubt of it.
    let difference = pro.difference.unwrap();
    assert_eq!(
        (difference.value, difference.p_value, difference.interval.width()),
        (1.0, 0.0, 0.0)
    );
}

#[test]
fn tests_and_intervals_are_those_of_scipy_and_statsmodels() {
    let mut random = RandomKey::from_seed(63).stream(0);
    let slicer = slicer(&mut random);
    let all = |losses: &[f64]| {
        let mut of = slicer.losses();
        for loss in losses {
            of.observe(&[Value::Null, Value::Category("pro"), Value::Null], *loss).unwrap();
        }
        of
    };
    let check = |now: &[f64], then: &[f64], [p, low, high]: [f64; 3]| {
        let report = all(now).compare(&all(then), &everything()).unwrap();
        let difference = find(&report, "plan `pro`").difference.unwrap();
        assert!((difference.p_value - p).abs() < 1e-12 * p.max(1e-3), "{difference:?}");
        assert!((difference.interval.low - low).abs() < 1e-12, "{difference:?}");
        assert!((difference.interval.high - high).abs() < 1e-12, "{difference:?}");
    };
    // `ttest_ind(b, a, equal_var=False)` and its `confidence_interval(0.95)`.
    let a: Vec<_> = (0..40).map(|n| f64::from(n % 7) * 0.5).collect();
    let b: Vec<_> = (0..35).map(|n| f64::from(n % 5) * 0.25 + 1.0).collect();
    check(&b, &a, [0.712_373_542_998_130_3, -0.276_053_727_090_079_25, 0.401_053_727_090_079_25]);
    // `fisher_exact` and `confint_proportions_2indep(9, 35, 3, 40, method="newcomb")`.
    let errors = |errors: usize, rows: usize| -> Vec<f64> {
        (0..rows).map(|row| f64::from(u8::from(row < errors))).collect()
    };
    check(
        &errors(9, 35),
        &errors(3, 40),
        [0.055_473_173_103_853_836, 0.012_937_110_510_960_359, 0.352_922_738_793_041_5],
    );
}

/// The share of families with any discovery is at most the level, whether losses are rare errors or skewed.
#[test]
fn without_a_change_there_are_no_more_discoveries_than_asked_for() {
    const ROUNDS: usize = 150;
    let mut random = RandomKey::from_seed(64).stream(0);
    let slicer = slicer(&mut random);
    let options = everything().with_correction(Correction::Holm);
    let mut alarms = [0; 2];
    for _ in 0..ROUNDS {
        let (then, now) = (rows(1500, &mut random), rows(600, &mut random));
        let mut error = |row: &Row| f64::from(u8::from(random.next_unit() < 0.03 + row.0 / 2000.0));
        let pair = [&then, &now].map(|rows| observed(&slicer, rows, &mut error));
        let mut size = |row: &Row| -(1.0 - random.next_unit()).ln() * (1.0 + row.0 / 100.0);
        let sizes = [&then, &now].map(|rows| observed(&slicer, rows, &mut size));
        for (alarms, [then, now]) in alarms.iter_mut().zip([pair, sizes]) {
            let report = now.compare(&then, &options).unwrap();
            let tested = report.segments.iter().filter_map(|segment| segment.difference);
            *alarms += usize::from(tested.map(|it| it.adjusted_p_value).any(|p| p <= 0.05));
        }
    }
    // 5 % of 150 are 7.5; four standard deviations more are 18. Skewed losses of thirty rows are not normal.
    assert!(alarms[0] <= 18 && alarms[1] <= 18, "{alarms:?}");
}

#[test]
fn intervals_cover_the_difference_as_often_as_they_say() {
    const ROUNDS: usize = 400;
    let mut random = RandomKey::from_seed(65).stream(0);
    let slicer = slicer(&mut random);
    let mut within = [0; 2];
    for _ in 0..ROUNDS {
        let (then, now) = (rows(600, &mut random), rows(400, &mut random));
        let mut errors = |rate: f64, rows: &[Row]| {
            observed(&slicer, rows, |_| f64::from(u8::from(random.next_unit() < rate)))
        };
        let errors = [errors(0.1, &then), errors(0.3, &now)];
        let mut sizes = |scale: f64, rows: &[Row]| {
            observed(&slicer, rows, |_| scale * normal::quantile(random.next_unit().max(1e-9)))
        };
        let sizes = [sizes(1.0, &then), sizes(3.0, &now)];
        for (within, ([then, now], truth)) in within.iter_mut().zip([(errors, 0.2), (sizes, 0.0)]) {
            let report = now.compare(&then, &everything()).unwrap();
            let difference = find(&report, "plan `pro`").difference.unwrap();
            *within += usize::from(difference.interval.contains(truth));
        }
    }
    // 95 % of 400, give or take four standard deviations; Newcombe's is a little wide.
    assert!(within.iter().all(|within| (362..=399).contains(within)), "{within:?}");
}

#[test]
fn ranges_hold_about_equally_many_rows_and_the_rest_has_its_own() {
    let mut random = RandomKey::from_seed(66).stream(0);
    let reference = rows(8000, &mut random);
    let slicer = Slicer::new(&profile(&reference), &SliceOptions::default().with_pairs(0)).unwrap();
    assert_eq!(slicer.pairs_left_out(), 3);
    let mut losses = observed(&slicer, &reference, |_| 0.0);
    let report = losses.compare(&losses, &everything()).unwrap();
    let ages: Vec<_> = report
        .segments
        .iter()
        .filter(|segment| segment.segment.0[0].feature == "age")
        .map(|segment| segment.reference.rows)
        .collect();
    assert_eq!((ages.len(), report.pairs_left_out), (8, 3));
    assert!(ages.iter().all(|rows| (900..1100).contains(rows)), "{ages:?}");
    assert!((700..900).contains(&find(&report, "amount is null").reference.rows));
    // What the reference never had.
    let reference = losses.clone();
    for (age, plan) in [(-1.0, "free"), (200.0, "new"), (f64::NAN, "newer")] {
        for _ in 0..30 {
            let row = [Value::Number(age), Value::Category(plan), Value::Number(0.5)];
            losses.observe(&row, 1.0).unwrap();
        }
    }
    let report = losses.compare(&reference, &everything()).unwrap();
    let rows = |name| find(&report, name).current.rows;
    assert_eq!((rows("age is not finite"), rows("plan is another category")), (30, 60));
    let above = report.segments.iter().find(|segment| {
        matches!(segment.segment.0[0].part, Part::Range { from: Some(_), to: None })
    });
    assert_eq!((above.unwrap().current.rows, above.unwrap().reference.rows), (30, 0));
    assert_eq!(above.unwrap().difference, None);
    assert!(
        report.segments.iter().any(|segment| segment.segment.to_string().starts_with("age below"))
    );
}

#[test]
fn a_flood_of_categories_takes_no_room() {
    let mut random = RandomKey::from_seed(67).stream(0);
    let slicer = slicer(&mut random);
    let mut losses = slicer.losses();
    let empty = serde_json::to_string(&losses).unwrap().len();
    for n in 0..20_000 {
        let name = format!("plan {n}");
        losses.observe(&[Value::Null, Value::Category(&name), Value::Null], 1.0).unwrap();
    }
    assert!(serde_json::to_string(&losses).unwrap().len() < empty + 200);
    // And of many features with many values each, pairs are few.
    let names: Vec<_> = (0..300).map(|n| format!("value {n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let columns: Vec<_> =
        (0..200).map(|n| (format!("feature {n}"), Column::categorical(&names))).collect();
    let columns: Vec<_> = columns.iter().map(|(name, column)| (name.as_str(), *column)).collect();
    let origin = Origin::new("many", Timestamp::EPOCH);
    let many = Profile::fit(&columns, origin, &ProfileOptions::default()).unwrap();
    let slicer = Slicer::new(&many, &SliceOptions::default()).unwrap();
    assert_eq!(slicer.pairs_left_out(), 200 * 199 / 2 - 64);
    assert!(serde_json::to_string(&slicer.losses()).unwrap().len() < 1_000_000);
}

#[test]
fn what_is_left_out_is_counted() {
    let mut random = RandomKey::from_seed(68).stream(0);
    let slicer = slicer(&mut random);
    let all = observed(&slicer, &rows(500, &mut random), |row| row.0);
    let whole = all.compare(&all, &everything()).unwrap();
    let some = all.compare(&all, &SliceTestOptions::default().with_limit(5)).unwrap();
    assert_eq!((some.segments.len(), whole.segments_left_out), (5, 0));
    assert_eq!(some.segments_left_out as usize, whole.segments.len() - 5);
    assert!(whole.segments_too_small > 0);
    let none = all.compare(&all, &everything().with_min_rows(501)).unwrap();
    assert_eq!(none.segments, []);
    assert!(none.segments_too_small > whole.segments_too_small);
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<SliceReport>(&text).unwrap(), whole);
}

#[test]
fn bad_input_is_named() {
    let mut random = RandomKey::from_seed(69).stream(0);
    let rows = rows(100, &mut random);
    let profile = profile(&rows);
    let new = |options| Slicer::new(&profile, &options).unwrap_err().to_string();
    let slicer = Slicer::new(&profile, &SliceOptions::default()).unwrap();
    let mut losses = observed(&slicer, &rows, |row| row.0);
    let before = losses.clone();
    let fine = values(&rows[0]);
    let mut observe = |row: &[Value<'_>], loss| losses.observe(row, loss).unwrap_err().to_string();
    let text = [Value::Category("x"), Value::Null, Value::Null];
    let number = [Value::Null, Value::Number(2.5), Value::Null];
    let others = Slicer::new(&profile, &SliceOptions::default().with_pairs(1)).unwrap().losses();
    let options = SliceTestOptions::default;
    let compare = |reference: &SlicedLosses, options: SliceTestOptions| {
        before.compare(reference, &options).unwrap_err().to_string()
    };
    for (error, named) in [
        (new(SliceOptions::default().with_parts(1)), "1 is not from 2 to 64"),
        (new(SliceOptions::default().with_pairs(5000)), "5000 are more than 4096"),
        (observe(&fine[..2], 1.0), "2 values for 3 features"),
        (observe(&fine, f64::NAN), "it is NaN"),
        (observe(&fine, 1e200), "it is 1"),
        (observe(&text, 1.0), "`age` is numeric, and got the category `x`"),
        (observe(&number, 1.0), "`plan` is categorical, and got the number 2.5"),
        (compare(&others, options()), "of other segments"),
        (compare(&slicer.losses(), options()), "reference: 0 rows are less than two"),
        (compare(&before, options().with_min_rows(1)), "1 rows have no spread"),
        (compare(&before, options().with_confidence(1.0)), "1 is not between 0 and 1"),
    ] {
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(losses, before);
    assert!(losses.merge(&others).is_err());
    let mut stored = serde_json::to_value(&losses).unwrap();
    stored["segments"].as_array_mut().unwrap().pop();
    assert!(serde_json::from_value::<SlicedLosses>(stored.clone()).is_err());
    let stored = &mut stored["slicer"];
    assert_eq!(serde_json::from_value::<Slicer>(stored.clone()).unwrap(), slicer);
    stored["pairs"][0] = serde_json::json!([0, 9]);
    assert!(serde_json::from_value::<Slicer>(stored.clone()).is_err());
    stored["pairs"] = serde_json::json!([]);
    assert!(serde_json::from_value::<Slicer>(stored.clone()).is_ok());
    let edges: Vec<_> = (0..200).collect();
    stored["features"][0][1] = serde_json::json!({ "edges": edges });
    assert!(serde_json::from_value::<Slicer>(stored.clone()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Parts merge into the whole, through a file too; and whatever the losses are, the effects of each
    /// division add up to the change.
    #[test]
    fn laws(seed in 0..1000_u64, cut in 0..120_usize, errors: bool) {
        let mut random = RandomKey::from_seed(seed).stream(1);
        let slicer = slicer(&mut random);
        let (then, now) = (rows(120, &mut random), rows(90, &mut random));
        let mut loss = |row: &Row| {
            if errors { f64::from(u8::from(random.next_unit() < 0.3)) } else { row.0 * random.next_unit() }
        };
        let pairs: Vec<_> = then.iter().map(|row| (*row, loss(row))).collect();
        let of = |pairs: &[(Row, f64)]| {
            let mut losses = slicer.losses();
            pairs.iter().for_each(|(row, loss)| losses.observe(&values(row), *loss).unwrap());
            losses
        };
        let (whole, (left, right)) = (of(&pairs), pairs.split_at(cut));
        let (mut merged, mut right) = (of(left), of(right));
        let text = serde_json::to_string(&merged).unwrap();
        merged = serde_json::from_str(&text).unwrap();
        merged.merge(&right).unwrap();
        right.merge(&of(left)).unwrap();
        let current = observed(&slicer, &now, loss);
        let options = everything().with_min_rows(2);
        let report = current.compare(&whole, &options).unwrap();
        for other in [&merged, &right] {
            let other = current.compare(other, &options).unwrap();
            prop_assert_eq!(other.segments.len(), report.segments.len());
            prop_assert!((other.change.value - report.change.value).abs() < 1e-9);
            prop_assert!((other.change.standard_error - report.change.standard_error).abs() < 1e-9);
            for (a, b) in other.features.iter().zip(&report.features) {
                prop_assert!((a.mix - b.mix).abs() < 1e-9 && (a.within - b.within).abs() < 1e-9);
            }
        }
        for effects in &report.features {
            prop_assert!((effects.mix + effects.within - report.change.value).abs() < 1e-9);
        }
        prop_assert!(report.segments.is_sorted_by(|a, b| a.contribution() >= b.contribution()));
        // Rates are those of the rows themselves.
        let pro: Vec<_> = pairs.iter().filter(|(row, _)| row.1 == 1).map(|(_, loss)| *loss).collect();
        if pro.len() > 1 {
            let found = find(&report, "plan `pro`").reference;
            prop_assert_eq!(found.rows, pro.len() as u64);
            prop_assert!((found.loss - pro.iter().sum::<f64>() / pro.len() as f64).abs() < 1e-9);
        }
    }
}

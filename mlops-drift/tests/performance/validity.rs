//! Whether estimates know when they are not to be believed.

use mlops_core::{
    random::{RandomKey, RandomStream},
    timestamp::Timestamp,
};
use mlops_drift::{
    performance::{Cbpe, Concern, MulticlassCbpe, Validity, ValidityOptions},
    profile::{Column, Origin, Profile, ProfileOptions, Value},
};

fn units(rows: usize, random: &mut RandomStream) -> Vec<f64> {
    (0..rows).map(|_| random.next_unit()).collect()
}

fn draw(scores: &[f64], p: impl Fn(f64) -> f64, random: &mut RandomStream) -> Vec<bool> {
    scores.iter().map(|score| random.next_unit() < p(*score)).collect()
}

fn concept(score: f64) -> f64 {
    0.1 + 0.7 * score * score
}

fn fitted(rows: usize, random: &mut RandomStream) -> Cbpe {
    let reference = units(rows, random);
    let outcomes = draw(&reference, concept, random);
    Cbpe::fit(&reference, &outcomes).unwrap()
}

#[test]
fn rows_outside_the_reference_are_doubted_and_then_refused() {
    let cbpe = Cbpe::fit(&[0.2, 0.4, 0.6], &[false, true, true]).unwrap();
    let validity = |outside: usize, cbpe: &Cbpe| {
        let scores: Vec<_> = (0..200).map(|n| if n < outside { 0.7 } else { 0.5 }).collect();
        cbpe.estimate(&scores, &[true; 200]).unwrap().validity
    };
    let reason = |share| Concern::OutsideReference { share };
    assert_eq!(validity(1, &cbpe), Validity::Valid);
    assert_eq!(validity(2, &cbpe), Validity::Doubtful { reason: reason(0.01) });
    assert_eq!(validity(20, &cbpe), Validity::Invalid { reason: reason(0.1) });
    assert_eq!(
        validity(20, &cbpe).concern().unwrap().to_string(),
        "10.0 % of the rows lie outside the reference"
    );
    // To the strict one outside is one too many, and none is not.
    let strict = cbpe.with_validity(ValidityOptions::default().with_outside(0.0, 0.0)).unwrap();
    assert_eq!(validity(0, &strict), Validity::Valid);
    assert_eq!(validity(1, &strict), Validity::Invalid { reason: reason(0.005) });
    let several = MulticlassCbpe::fit(2, &[0.2, 0.8, 0.7, 0.3], &[1, 0]).unwrap();
    let estimate = several.estimate(&[0.5, 0.5, 0.1, 0.9], &[1, 1]).unwrap();
    assert_eq!(estimate.outside, 0.5);
    assert_eq!(estimate.validity, Validity::Invalid { reason: reason(0.5) });
}

/// Scores as ever, of rows that the reference had nothing like.
#[test]
fn features_outside_the_reference_are_told() {
    let (ages, plans) = ([20.0, 30.0, 40.0], ["free", "pro", "pro"]);
    let columns = [("age", Column::numeric(&ages)), ("plan", Column::categorical(&plans))];
    let origin = Origin::new("rows", Timestamp::EPOCH);
    let reference = Profile::fit(&columns, origin.clone(), &ProfileOptions::default()).unwrap();
    let options = ValidityOptions::default();
    let outside = |rows: &[(Value<'_>, Value<'_>)]| {
        let mut current = reference.empty_like();
        for _ in 0..30 - rows.len() {
            current.observe_row(&[Value::Number(25.0), Value::Category("pro")]).unwrap();
        }
        rows.iter().for_each(|(age, plan)| current.observe_row(&[*age, *plan]).unwrap());
        options.support(&reference, &current).unwrap()
    };
    let [age, plan] = [Value::Number(30.0), Value::Category("free")];
    assert_eq!(outside(&[(age, plan)]), Validity::Valid);
    for value in [19.0, 41.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let doubtful = outside(&[(Value::Number(value), plan)]);
        assert!(
            matches!(&doubtful, Validity::Doubtful { reason: Concern::FeatureOutside { feature, .. } } if feature == "age"),
            "{doubtful:?}"
        );
    }
    let null = outside(&[(Value::Null, plan)]);
    assert!(matches!(null, Validity::Doubtful { .. }), "{null:?}");
    let rows = [
        (Value::Number(50.0), Value::Category("team")),
        (age, Value::Category("team")),
        (age, Value::Null),
    ];
    let invalid = outside(&rows);
    assert_eq!(
        invalid,
        Validity::Invalid {
            reason: Concern::FeatureOutside { feature: "plan".to_owned(), share: 0.1 }
        }
    );
    assert_eq!(
        invalid.concern().unwrap().to_string(),
        "`plan` lies outside the reference in 10.0 % of the rows"
    );
    let estimate =
        Cbpe::fit(&[0.2, 0.4], &[false, true]).unwrap().estimate(&[0.3], &[true]).unwrap();
    assert_eq!(estimate.and(&invalid).validity, invalid);
    let other = [("age", Column::numeric(&ages))];
    let other = Profile::fit(&other, origin, &ProfileOptions::default()).unwrap();
    for (current, named) in [(&reference.empty_like(), "no rows"), (&other, "another reference")] {
        let error = options.support(&reference, current).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

/// If scores mean what they meant, a check at 1 % says otherwise in no more than 1 % of the cases, with
/// few labels and with many, whatever the scores.
#[test]
fn labels_of_the_same_concept_are_no_alarm() {
    let mut random = RandomKey::from_seed(41).stream(0);
    for (reference, labelled) in [(20_000, 40), (20_000, 1000), (4000, 200), (4000, 2000)] {
        let mut alarms = 0;
        for _ in 0..20 {
            let cbpe = fitted(reference, &mut random);
            for _ in 0..30 {
                // Another mix of inputs is no other concept.
                let scores: Vec<_> =
                    units(labelled, &mut random).iter().map(|score| score * score).collect();
                let outcomes = draw(&scores, concept, &mut random);
                let check = cbpe.check(&scores, &outcomes).unwrap();
                assert_eq!(check.rows, labelled as u64);
                // Of more than a tenth of the reference, the verdict, for which the drift must be large too.
                let few = 10 * labelled <= reference;
                alarms += usize::from(check.p_value < 0.01 && (few || !check.validity.is_valid()));
            }
        }
        // Of 600 checks 6, and four standard deviations more; calibrations are shared by thirty.
        assert!(alarms <= 6 + 14, "{reference} {labelled}: {alarms}");
    }
}

#[test]
fn a_concept_that_has_drifted_is_found_with_a_hundred_labels() {
    let mut random = RandomKey::from_seed(42).stream(0);
    let cbpe = fitted(20_000, &mut random);
    let scores = units(5000, &mut random);
    let predicted: Vec<_> = scores.iter().map(|score| *score > 0.8).collect();
    let estimate = cbpe.estimate(&scores, &predicted).unwrap();
    // Without labels nothing can be seen of it.
    assert!(estimate.validity.is_valid());
    let few = units(100, &mut random);
    let outcomes = draw(&few, |score| 1.0 - concept(score), &mut random);
    let check = cbpe.check(&few, &outcomes).unwrap();
    let Validity::Invalid { reason: Concern::CalibrationDrift { drift, p_value } } =
        estimate.clone().and(&check.validity).validity
    else {
        panic!("{check:?}");
    };
    assert!(drift > 0.3 && p_value < 1e-6, "{drift} {p_value}");
    // The worse verdict is kept, whichever came first.
    let invalid = check.validity.clone();
    assert_eq!(Validity::Valid.and(invalid.clone()), invalid.clone().and(Validity::Valid));
    // And a small drift, however certain, is not a reason.
    let many = units(200_000, &mut random);
    let outcomes = draw(&many, |score| concept(score) + 0.02, &mut random);
    let large = fitted(400_000, &mut random).check(&many, &outcomes).unwrap();
    assert!(large.p_value < 1e-6 && (large.drift - 0.02).abs() < 0.005, "{large:?}");
    assert!(large.validity.is_valid());
}

#[test]
fn a_drift_that_cancels_over_all_rows_is_found() {
    let mut random = RandomKey::from_seed(43).stream(0);
    let cbpe = fitted(20_000, &mut random);
    let scores = units(2000, &mut random);
    // More in the middle, fewer at both ends: neither the mean nor the slope changes.
    let bent = |s: f64| concept(s) + 0.4 * (1.0 / 12.0 - (s - 0.5) * (s - 0.5)) * 2.0;
    let outcomes = draw(&scores, bent, &mut random);
    let check = cbpe.check(&scores, &outcomes).unwrap();
    assert!(check.p_value < 0.01 && check.drift > 0.03, "{check:?}");
}

/// A calibration that is certain has next to no variance, and its labels are judged all the same.
#[test]
fn what_was_certain_and_is_wrong_is_found() {
    let cbpe = Cbpe::fit(&[0.0; 500], &[false; 500]);
    assert!(cbpe.is_err());
    let scores: Vec<_> = (0..500).map(|n| f64::from(n % 2)).collect();
    let outcomes: Vec<_> = scores.iter().map(|score| *score > 0.5).collect();
    let cbpe = Cbpe::fit(&scores, &outcomes).unwrap();
    let right = cbpe.check(&scores[..20], &outcomes[..20]).unwrap();
    assert_eq!((right.drift, right.p_value, right.validity), (0.0, 1.0, Validity::Valid));
    let wrong = cbpe.check(&[0.0; 20], &[true; 20]).unwrap();
    assert!(wrong.p_value < 1e-6 && wrong.drift > 0.9, "{wrong:?}");
    let once = cbpe.check(&[0.0], &[true]).unwrap();
    assert!(once.p_value > 0.1 && once.validity.is_valid(), "{once:?}");
}

#[test]
fn several_classes_are_checked_one_by_one() {
    let mut random = RandomKey::from_seed(44).stream(0);
    let rows = |count: usize, random: &mut RandomStream| -> Vec<f64> {
        let row = |random: &mut RandomStream| {
            let draws = [random.next_unit(), random.next_unit(), random.next_unit()];
            let total: f64 = draws.iter().sum();
            draws.map(|draw| draw / total)
        };
        (0..count).flat_map(|_| row(random)).collect()
    };
    let labels = |scores: &[f64], swap: usize, random: &mut RandomStream| -> Vec<usize> {
        let class = |row: &[f64]| {
            let draw = random.next_unit();
            let class = usize::from(draw >= row[0]) + usize::from(draw >= row[0] + row[1]);
            if class == 0 { swap } else { class }
        };
        scores.chunks(3).map(class).collect()
    };
    let reference = rows(20_000, &mut random);
    let cbpe = MulticlassCbpe::fit(3, &reference, &labels(&reference, 0, &mut random)).unwrap();
    let few = rows(150, &mut random);
    let same = cbpe.check(&few, &labels(&few, 0, &mut random)).unwrap();
    assert!(same.validity.is_valid(), "{same:?}");
    let other = cbpe.check(&few, &labels(&few, 1, &mut random)).unwrap();
    assert!(matches!(other.validity, Validity::Invalid { .. }), "{other:?}");
}

#[test]
fn bad_input_is_named() {
    let cbpe = Cbpe::fit(&[0.0, 1.0], &[false, true]).unwrap();
    for (error, named) in [
        (cbpe.check(&[], &[]).unwrap_err(), "there are none"),
        (cbpe.check(&[0.5], &[]).unwrap_err(), "1 scores and 0 outcomes"),
        (cbpe.check(&[f64::NAN], &[true]).unwrap_err(), "score 0 is NaN"),
    ] {
        assert!(error.to_string().contains(named), "{error}");
    }
    let options = ValidityOptions::default;
    for (options, named) in [
        (options().with_outside(0.2, 0.1), "doubtful from 0.2 on, but invalid from 0.1 on"),
        (options().with_outside(-0.1, 0.1), "-0.1 is not in [0, 1]"),
        (options().with_alpha(f64::NAN), "NaN is not in [0, 1]"),
        (options().with_max_calibration_drift(-1.0), "-1 is no limit"),
        (options().with_max_loss_drift(f64::NAN), "NaN is no limit"),
    ] {
        let error = cbpe.clone().with_validity(options).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let mut text = serde_json::to_value(&cbpe).unwrap();
    text["calibration"]["x"] = serde_json::json!([1.0, 0.0]);
    assert!(serde_json::from_value::<Cbpe>(text).is_err());
}

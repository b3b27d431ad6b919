//! Floods: memory is bounded, and what that costs is said.

use mlops_drift::quality::{
    Batch, Check, Checker, CheckerOptions, Expectation, Finding, Order, Range, Suite, Values,
    Verdict,
};

use crate::data::time;

const LIMIT: usize = 1000;

/// What is found of `rows` texts, of which the first `repeats` are there once more.
fn flood(check: Check, rows: usize, repeats: usize, mostly: f64) -> Finding {
    let suite = Suite::new("s", vec![Expectation::new(check).with_mostly(mostly)]).unwrap();
    let options = CheckerOptions::default().with_max_keys(LIMIT);
    let mut checker = Checker::new(suite, &options).unwrap();
    let names: Vec<String> = (0..rows).chain(0..repeats).map(|row| format!("user {row}")).collect();
    for names in names.chunks(512) {
        let texts: Vec<_> = names.iter().map(|name| Some(name.as_str())).collect();
        checker.observe(&Batch::new(&[("x", Values::Texts(&texts))]).unwrap()).unwrap();
    }
    checker.report(time(0)).findings.remove(0)
}

#[test]
fn what_is_unique_is_known_up_to_the_limit() {
    assert_eq!(flood(Check::unique("x"), LIMIT, 0, 1.0).verdict, Verdict::Passed);
    let finding = flood(Check::unique("x"), LIMIT, 3, 1.0);
    assert_eq!((finding.verdict, finding.failing), (Verdict::Failed, 3));
    assert_eq!((finding.samples[2].row, &*finding.samples[2].value), (1002, "as in row 2"));
}

#[test]
fn beyond_it_nothing_passes() {
    for check in [Check::unique("x"), Check::NoDuplicateRows] {
        let finding = flood(check, LIMIT + 1, 0, 1.0);
        let Verdict::Insufficient(reason) = &finding.verdict else { panic!("{finding:?}") };
        assert!(reason.contains("different values") && reason.contains("max_keys"), "{reason}");
        assert_eq!(finding.rows, LIMIT as u64 + 1);
    }
    // Every row is there twice: of the sample as well.
    let finding = flood(Check::unique("x"), 20 * LIMIT, 20 * LIMIT, 1.0);
    assert_eq!(finding.verdict, Verdict::Failed);
    assert!((300..=LIMIT as u64).contains(&finding.failing), "{finding:?}");
    let estimated = finding.observed.unwrap();
    assert!((estimated - 0.5).abs() < 0.1, "{estimated}");
    assert!(finding.detail.is_some() && finding.samples.len() == 5);
    // What was found is no proof that less than half are repeated.
    let finding = flood(Check::unique("x"), 20 * LIMIT, 20 * LIMIT, 0.6);
    assert!(matches!(finding.verdict, Verdict::Insufficient(_)), "{finding:?}");
}

#[test]
fn a_flood_of_categories_fails_for_certain() {
    let distinct = |range| flood(Check::Distinct { column: "x".into(), range }, 30 * LIMIT, 0, 1.0);
    let few = distinct(Range::at_most(50));
    assert_eq!(few.verdict, Verdict::Failed);
    let estimated = few.observed.unwrap() / (30 * LIMIT) as f64;
    assert!((estimated - 1.0).abs() < 0.15, "{estimated}");
    assert_eq!(distinct(Range::at_least(500)).verdict, Verdict::Passed);
    assert_eq!(distinct(Range::at_least(100 * LIMIT as i64)).verdict, Verdict::Failed);
    let unknown = distinct(Range::at_least(500).and_at_most(29 * LIMIT as i64));
    assert!(matches!(unknown.verdict, Verdict::Insufficient(_)), "{unknown:?}");
    // New categories fail one by one, and no more than a few are kept.
    let new = flood(Check::in_set("x", ["user 7"]), 30 * LIMIT, 0, 1.0);
    assert_eq!((new.failing, new.samples.len()), (30 * LIMIT as u64 - 1, 5));
}

#[test]
fn extra_columns_are_bounded() {
    let check = Check::Columns {
        names: vec!["x".into()],
        extra: mlops_drift::quality::ExtraColumns::Forbid,
        order: mlops_drift::quality::ColumnOrder::Any,
    };
    let suite = Suite::new("s", vec![Expectation::new(check)]).unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    for column in 0..1000 {
        let name = format!("{column}{}", "é".repeat(1000));
        let columns = [("x", Values::Integers(&[])), (&*name, Values::Integers(&[]))];
        checker.observe(&Batch::new(&columns).unwrap()).unwrap();
    }
    let finding = checker.report(time(0)).findings.remove(0);
    assert_eq!((finding.verdict, finding.failing), (Verdict::Failed, 64));
    assert!(finding.detail.unwrap().len() < 64 * 600);
}

/// Rows come one by one, and every other one without the column, or with another type.
#[test]
fn an_order_with_gaps_is_bounded_and_an_error() {
    let (whole, text) = ([Some(1)], [Some("a")]);
    for other in [("x", Values::Texts(&text)), ("y", Values::Integers(&whole))] {
        let check = Check::Ordered { column: "x".into(), order: Order::Increasing };
        let suite = Suite::new("s", vec![Expectation::new(check)]).unwrap();
        let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
        let mut memory = Vec::new();
        for row in 0..2000 {
            let columns = if row % 2 == 0 { [("x", Values::Integers(&whole))] } else { [other] };
            checker.observe(&Batch::new(&columns).unwrap()).unwrap();
            memory.push(format!("{checker:?}").len());
        }
        // The digits of counts.
        assert!(memory[1999] < memory[9] + 100, "{} {}", memory[9], memory[1999]);
        let finding = checker.report(time(0)).findings.remove(0);
        let Verdict::Error(reason) = &finding.verdict else { panic!("{finding:?}") };
        assert!(reason.ends_with("from row 1 on"), "{reason}");
        assert_eq!(finding.rows, 1000);
    }
}

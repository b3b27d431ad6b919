//! Data that is not what anybody expects: a verdict or an error, never a panic, never silence.

use mlops_core::Error;
use mlops_drift::quality::{
    Batch, Check, Checker, CheckerOptions, ColumnOrder, ColumnType, Comparison, Expectation,
    ExtraColumns, Order, Range, Suite, Values, Verdict,
};

use crate::data::{found, report, time};

/// One of each check about the column `x`, which could be of numbers.
fn of_numbers() -> Vec<Expectation> {
    let column = || "x".to_owned();
    let range = Range::at_least(0).and_at_most(10);
    [
        Check::not_null("x"),
        Check::Finite { column: column() },
        Check::between("x", range),
        Check::Ordered { column: column(), order: Order::Increasing },
        Check::unique("x"),
        Check::NoDuplicateRows,
        Check::Compare { left: column(), operator: Comparison::Less, right: "y".into() },
        Check::Sum { columns: vec![column()], total: "y".into(), tolerance: 0.0 },
        Check::Mean { column: column(), range },
        Check::StandardDeviation { column: column(), range },
        Check::Quantile { column: column(), probability: 0.5, range },
        Check::Distinct { column: column(), range },
        Check::Distribution { column: column(), alpha: 0.01, min_effect: 0.1 },
        Check::Type { column: column(), data_type: ColumnType::Number },
    ]
    .map(Expectation::new)
    .to_vec()
}

fn of_texts() -> Vec<Expectation> {
    let checks = [
        Check::in_set("x", ["a"]),
        Check::Length { column: "x".into(), range: Range::at_most(3) },
        #[cfg(feature = "regex")]
        Check::Matches { column: "x".into(), pattern: "^a".into() },
    ];
    checks.map(Expectation::new).to_vec()
}

#[test]
fn nothing_seen_passes_nothing() {
    let mut checks = of_numbers();
    checks.extend(of_texts());
    checks.push(Expectation::new(Check::Columns {
        names: vec!["x".into()],
        extra: ExtraColumns::Allow,
        order: ColumnOrder::Any,
    }));
    checks.push(Expectation::new(Check::RowCount { range: Range::at_least(1) }));
    let suite = Suite::new("s", checks).unwrap();
    let checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    let report = checker.report(time(0));
    assert!(!report.is_passed());
    for finding in report.findings {
        let row_count = matches!(finding.expectation.check, Check::RowCount { .. });
        let distribution = matches!(finding.expectation.check, Check::Distribution { .. });
        match finding.verdict {
            Verdict::Insufficient(_) => {}
            Verdict::Failed if row_count => {}
            Verdict::Error(_) if distribution => {}
            verdict => panic!("{}: {verdict:?}", finding.expected),
        }
    }
}

#[test]
fn empty_batches_and_nulls_pass_nothing() {
    for (x, y) in [
        (Values::Numbers(&[]), Values::Numbers(&[])),
        (Values::Numbers(&[None, None]), Values::Numbers(&[None, None])),
    ] {
        for finding in report(of_numbers(), &[("x", x), ("y", y)]).findings {
            let all_rows = matches!(
                finding.expectation.check,
                Check::NotNull { .. } | Check::NoDuplicateRows | Check::Type { .. }
            );
            match finding.verdict {
                Verdict::Insufficient(_) => {}
                // About nulls, or types, these say something.
                Verdict::Passed | Verdict::Failed if all_rows && !x.is_empty() => {}
                // Without a reference.
                Verdict::Error(_)
                    if matches!(finding.expectation.check, Check::Distribution { .. }) => {}
                verdict => panic!("{}: {verdict:?}", finding.expected),
            }
        }
    }
    for texts in [Values::Texts(&[]), Values::Texts(&[None])] {
        for finding in report(of_texts(), &[("x", texts)]).findings {
            assert!(matches!(finding.verdict, Verdict::Insufficient(_)), "{}", finding.expected);
        }
    }
}

#[test]
fn a_missing_column_is_an_error_whatever_else_was_seen() {
    let mut checks = of_numbers();
    checks.retain(|check| {
        !matches!(check.check, Check::NoDuplicateRows | Check::Distribution { .. })
    });
    let suite = Suite::new("s", checks).unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    let numbers = Values::Numbers(&[Some(1.0), Some(2.0)]);
    checker.observe(&Batch::new(&[("x", numbers), ("y", numbers)]).unwrap()).unwrap();
    checker.observe(&Batch::new(&[("z", numbers)]).unwrap()).unwrap();
    checker.observe(&Batch::new(&[("x", numbers), ("y", numbers)]).unwrap()).unwrap();
    for finding in checker.report(time(0)).findings {
        let Verdict::Error(reason) = finding.verdict else { panic!("{}", finding.expected) };
        assert_eq!(reason, "column `x` is missing, from row 2 on");
        assert_eq!(finding.observed, None);
    }
}

#[test]
fn a_type_that_a_check_says_nothing_about_is_an_error() {
    let texts = Values::Texts(&[Some("a")]);
    let booleans = Values::Booleans(&[Some(true)]);
    for (checks, values) in
        [(of_numbers(), texts), (of_numbers(), booleans), (of_texts(), booleans)]
    {
        for check in checks {
            let finding = found(check, &[("x", values), ("y", Values::Times(&[None]))]);
            let any_type = matches!(
                finding.expectation.check,
                Check::NotNull { .. }
                    | Check::Unique { .. }
                    | Check::NoDuplicateRows
                    | Check::Distinct { .. }
                    | Check::Type { .. }
            );
            match finding.verdict {
                Verdict::Passed if any_type => {}
                Verdict::Failed if matches!(finding.expectation.check, Check::Type { .. }) => {}
                Verdict::Error(reason) if !any_type => {
                    assert!(reason.ends_with("from row 0 on"), "{reason}");
                }
                verdict => panic!("{}: {verdict:?}", finding.expected),
            }
        }
    }
}

#[test]
fn a_type_that_changes_is_found() {
    let checks = vec![
        Expectation::new(Check::Type { column: "x".into(), data_type: ColumnType::Integer }),
        Expectation::new(Check::unique("x")),
        Expectation::new(Check::NoDuplicateRows),
        Expectation::new(Check::Distinct { column: "x".into(), range: Range::at_least(0) }),
        Expectation::new(Check::between("x", Range::at_least(0))),
    ];
    let mut checker =
        Checker::new(Suite::new("s", checks).unwrap(), &CheckerOptions::default()).unwrap();
    checker.observe(&Batch::new(&[("x", Values::Integers(&[Some(1)]))]).unwrap()).unwrap();
    checker.observe(&Batch::new(&[("x", Values::Numbers(&[Some(1.0)]))]).unwrap()).unwrap();
    let findings = checker.report(time(0)).findings;
    assert_eq!(findings[0].verdict, Verdict::Failed);
    assert_eq!(findings[0].samples[0].row, 1);
    for finding in &findings[1..4] {
        let Verdict::Error(reason) = &finding.verdict else { panic!("{}", finding.expected) };
        assert_eq!(reason, "a column is of type integer and of type number, from row 1 on");
    }
    // Whole or not, they are in the range.
    assert_eq!((findings[4].verdict.clone(), findings[4].rows), (Verdict::Passed, 2));
}

#[test]
fn figures_stay_finite() {
    let numbers = [
        &[f64::MAX, f64::MAX, -f64::MAX][..],
        &[f64::NAN],
        &[f64::INFINITY, 1.0],
        &[5e-324, -5e-324],
        &[1e300, -1e300],
    ];
    for numbers in numbers {
        let values: Vec<_> = numbers.iter().copied().map(Some).collect();
        let values = Values::Numbers(&values);
        let report = report(of_numbers(), &[("x", values), ("y", values)]);
        for finding in &report.findings {
            assert!(finding.observed.is_none_or(f64::is_finite), "{}", finding.expected);
        }
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(report, serde_json::from_str(&json).unwrap());
    }
}

#[test]
fn one_row_of_traffic_is_a_batch() {
    let suite = Suite::new("s", of_numbers()).unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    for row in 0..100 {
        let (x, y) = ([Some(f64::from(row) / 10.0)], [Some(10.0)]);
        let columns = [("x", Values::Numbers(&x)), ("y", Values::Numbers(&y))];
        checker.observe(&Batch::new(&columns).unwrap()).unwrap();
    }
    let report = checker.report(time(0));
    assert_eq!(report.rows, 100);
    let failed: Vec<_> = report.problems().map(|finding| finding.expected.clone()).collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
    // Not all add up, 100 values are more than 10, and there is no reference.
    assert!(failed[0].contains("add up") && failed[1].contains("number of different"));
    assert!(failed[2].contains("distributed"));
}

#[test]
fn rows_are_observed_once() {
    let suite = Suite::new("s", of_numbers()).unwrap();
    let start =
        |row| Checker::new(suite.clone(), &CheckerOptions::default()).unwrap().starting_at(row);
    let columns =
        [("x", Values::Numbers(&[Some(1.0); 5])), ("y", Values::Numbers(&[Some(2.0); 5]))];
    let batch = Batch::new(&columns).unwrap();
    let (mut first, mut second) = (start(0), start(0));
    first.observe(&batch).unwrap();
    second.observe(&batch).unwrap();
    let before = first.report(time(0));
    let error = first.merge(&second).unwrap_err();
    assert_eq!(error.to_string(), "invalid rows: 0 to 4 were observed already");
    let error = first.observe(&batch.starting_at(4)).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { what: "rows", .. }));
    assert_eq!(first.report(time(0)), before);
    let mut apart = start(1 << 40);
    apart.observe(&batch).unwrap();
    first.merge(&apart).unwrap();
    assert_eq!(first.rows(), 10);
    assert!(first.observe(&batch.starting_at(u64::MAX)).is_err());
}

#[test]
fn only_checkers_of_the_same_suite_merge() {
    let options = CheckerOptions::default();
    let suite = Suite::new("s", of_texts()).unwrap();
    let mut checker = Checker::new(suite.clone(), &options).unwrap();
    let other = Checker::new(Suite::new("t", of_texts()).unwrap(), &options).unwrap();
    assert!(checker.merge(&other).unwrap_err().to_string().contains("another suite"));
    let other = Checker::new(suite.clone(), &options.with_samples(6)).unwrap();
    assert!(checker.merge(&other).unwrap_err().to_string().contains("options differ"));
    let error = Checker::new(suite, &options.with_max_keys(0)).unwrap_err();
    assert!(error.to_string().contains("`max_keys` is 0"));
}

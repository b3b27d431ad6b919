//! What each check says of data that is known to be right or wrong.

use std::time::Duration;

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    profile::{Column, Origin, Profile, ProfileOptions},
    quality::{
        Batch, Check, Checker, CheckerOptions, ColumnOrder, ColumnType, Comparison, Expectation,
        ExtraColumns, Finding, Order, Range, SetValue, Suite, Values, Verdict,
    },
};

use crate::data::{finding, found, time};

/// The rows that failed.
fn rows(finding: &Finding) -> Vec<u64> {
    finding.samples.iter().map(|sample| sample.row).collect()
}

/// What failed of how many.
fn counted(finding: &Finding) -> (Verdict, u64, u64, Vec<u64>) {
    (finding.verdict.clone(), finding.failing, finding.rows, rows(finding))
}

const BIG: i64 = (1 << 53) + 1;

#[test]
fn values_are_judged_one_by_one() {
    let column = || "x".to_owned();
    let integers = Values::Integers(&[Some(-1), Some(0), None, Some(BIG), Some(i64::MIN)]);
    let numbers = Values::Numbers(&[
        Some(-0.0),
        Some(0.5),
        None,
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
    ]);
    let texts = Values::Texts(&[Some(""), Some("ab"), None, Some("äöü"), Some("x y")]);
    let booleans = Values::Booleans(&[Some(true), None, Some(false)]);
    let times = Values::Times(&[Some(time(1)), None, Some(time(-1))]);
    let set = |values: &[SetValue]| Check::InSet { column: column(), values: values.to_vec() };
    let length = |range| Check::Length { column: column(), range };
    for (check, values, failing, judged, failed) in [
        (Check::not_null("x"), integers, 1, 5, &[2][..]),
        (Check::not_null("x"), numbers, 1, 6, &[2]),
        (Check::not_null("x"), texts, 1, 5, &[2]),
        (Check::not_null("x"), booleans, 1, 3, &[1]),
        (Check::not_null("x"), times, 1, 3, &[1]),
        (Check::Finite { column: column() }, numbers, 3, 5, &[3, 4, 5]),
        (Check::Finite { column: column() }, integers, 0, 4, &[]),
        (Check::between("x", Range::at_least(0)), integers, 2, 4, &[0, 4]),
        (Check::between("x", Range::above(0)), integers, 3, 4, &[0, 1, 4]),
        // Beyond 2^53 neighbours are told apart.
        (Check::between("x", Range::below(BIG)), integers, 1, 4, &[3]),
        (Check::between("x", Range::at_most(BIG)), integers, 0, 4, &[]),
        (Check::between("x", Range::at_most(BIG as f64)), integers, 1, 4, &[3]),
        (Check::between("x", Range::at_least(0)), numbers, 2, 5, &[3, 5]),
        (Check::between("x", Range::above(0.0)), numbers, 3, 5, &[0, 3, 5]),
        (Check::between("x", Range::at_most(1)), numbers, 2, 5, &[3, 4]),
        (Check::between("x", Range::at_least(time(0))), times, 1, 2, &[2]),
        (Check::between("x", Range::below(time(1))), times, 1, 2, &[0]),
        (Check::in_set("x", ["", "ab"]), texts, 2, 4, &[3, 4]),
        (set(&[SetValue::Boolean(true)]), booleans, 1, 2, &[2]),
        (set(&[SetValue::Integer(0), SetValue::Number(-1.0)]), integers, 2, 4, &[3, 4]),
        (set(&[SetValue::Integer(BIG - 1)]), integers, 4, 4, &[0, 1, 3, 4]),
        (set(&[SetValue::Integer(0), SetValue::Number(0.5)]), numbers, 3, 5, &[3, 4, 5]),
        // Characters, not bytes.
        (length(Range::at_least(1).and_at_most(3)), texts, 1, 4, &[0]),
        (length(Range::above(2)), texts, 2, 4, &[0, 1]),
    ] {
        let finding = finding(check, &[("x", values)]);
        let verdict = if failing == 0 { Verdict::Passed } else { Verdict::Failed };
        let expected = (verdict, failing, judged, failed.to_vec());
        assert_eq!(counted(&finding), expected, "{}", finding.expected);
        assert_eq!(finding.observed, Some(failing as f64 / judged as f64));
    }
}

#[cfg(feature = "regex")]
#[test]
fn patterns_are_looked_for() {
    let matches = |pattern: &str| Check::Matches { column: "x".into(), pattern: pattern.into() };
    let texts = Values::Texts(&[Some("AB-1"), Some("AB-12"), None, Some("xAB-1")]);
    for (pattern, failing) in [(r"^[A-Z]{2}-\d$", 2), (r"[A-Z]{2}-\d", 0), (r"^\p{Lu}", 1)] {
        assert_eq!(finding(matches(pattern), &[("x", texts)]).failing, failing, "{pattern}");
    }
}

#[test]
fn mostly_allows_for_a_share() {
    let values: Vec<_> = (0..100).map(|row| Some(i64::from(row >= 7))).collect();
    let expected = |mostly| {
        let check = Check::between("x", Range::at_least(1));
        let finding =
            found(Expectation::new(check).with_mostly(mostly), &[("x", Values::Integers(&values))]);
        finding.verdict
    };
    // 93 of 100 pass, and 0.93 is met to the last bit.
    assert_eq!(expected(0.93), Verdict::Passed);
    assert_eq!(expected(0.93_f64.next_up()), Verdict::Failed);
    assert_eq!(expected(1.0), Verdict::Failed);
    // A share that is a quotient of counts is met by these counts.
    for n in 1..60_u64 {
        for bad in 0..n {
            let values: Vec<_> = (0..n).map(|row| Some(i64::from(row >= bad))).collect();
            let mostly = format!("{}", (n - bad) as f64 / n as f64).parse().unwrap();
            let check = Expectation::new(Check::between("x", Range::at_least(1)));
            let finding = found(check.with_mostly(mostly), &[("x", Values::Integers(&values))]);
            assert_eq!(finding.verdict, Verdict::Passed, "{bad} of {n}");
        }
    }
}

#[test]
fn an_order_is_across_batches_whichever_come_first() {
    let values = [Some(1), None, Some(3), Some(3), Some(2), None, Some(5), Some(4)];
    for (order, failed) in [
        (Order::Increasing, &[4, 7][..]),
        (Order::StrictlyIncreasing, &[3, 4, 7]),
        (Order::Decreasing, &[2, 6]),
        (Order::StrictlyDecreasing, &[2, 3, 6]),
    ] {
        let check = || vec![Expectation::new(Check::Ordered { column: "x".into(), order })];
        for starts in [&[0][..], &[0, 2, 4, 6], &[0, 4], &[4, 0], &[6, 2, 4, 0], &[1, 7, 0]] {
            let mut checker =
                Checker::new(Suite::new("s", check()).unwrap(), &CheckerOptions::default())
                    .unwrap();
            for start in starts {
                let end = starts.iter().filter(|other| *other > start).min().unwrap_or(&8);
                let columns = [("x", Values::Integers(&values[*start..*end]))];
                let batch = Batch::new(&columns).unwrap().starting_at(*start as u64);
                checker.observe(&batch).unwrap();
            }
            let finding = &checker.report(time(0)).findings[0];
            assert_eq!(rows(finding), failed, "{order} {starts:?}");
            assert_eq!((finding.failing, finding.rows), (failed.len() as u64, 6));
        }
    }
    let nan = Values::Numbers(&[Some(1.0), Some(f64::NAN), Some(0.5), Some(2.0)]);
    let check = Check::Ordered { column: "x".into(), order: Order::Increasing };
    assert_eq!(rows(&finding(check, &[("x", nan)])), [1, 2]);
}

#[test]
fn repeated_values_and_rows_are_found() {
    let ids = Values::Integers(&[Some(7), Some(8), None, Some(7), None, Some(7)]);
    let names = Values::Texts(&[Some("a"), Some("a"), Some("a"), Some("b"), Some("a"), Some("a")]);
    let columns = [("id", ids), ("name", names)];
    let unique = finding(Check::unique("id"), &columns);
    assert_eq!(counted(&unique), (Verdict::Failed, 2, 4, vec![3]));
    assert_eq!(unique.samples[0].value, "as in row 0");
    let both = Check::Unique { columns: vec!["name".into(), "id".into()] };
    let both = finding(both, &columns);
    assert_eq!(counted(&both), (Verdict::Failed, 1, 4, vec![5]));
    // Nulls are alike in rows.
    let rows = finding(Check::NoDuplicateRows, &columns);
    assert_eq!(counted(&rows), (Verdict::Failed, 2, 6, vec![4, 5]));
    let mostly = Expectation::new(Check::unique("id")).with_mostly(0.5);
    assert_eq!(found(mostly, &columns).verdict, Verdict::Passed);
    // The columns of a row are told apart, and their order does not matter.
    let (a, b) = (Values::Texts(&[Some("x"), Some("")]), Values::Texts(&[Some(""), Some("x")]));
    assert_eq!(finding(Check::NoDuplicateRows, &[("a", a), ("b", b)]).failing, 0);
    let suite = Suite::new("s", vec![Expectation::new(Check::NoDuplicateRows)]).unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    checker.observe(&Batch::new(&columns[..]).unwrap()).unwrap();
    checker.observe(&Batch::new(&[columns[1], columns[0]]).unwrap()).unwrap();
    assert_eq!(checker.report(time(0)).findings[0].failing, 8);
}

#[test]
fn columns_are_compared_row_by_row() {
    let compare = |operator, left, right| {
        let check = Check::Compare { left: "a".into(), operator, right: "b".into() };
        let finding = finding(check, &[("a", left), ("b", right)]);
        (finding.failing, finding.rows)
    };
    let whole = Values::Integers(&[Some(BIG), Some(1), Some(2), None, Some(5)]);
    let double =
        Values::Numbers(&[Some((BIG - 1) as f64), Some(1.0), Some(2.5), Some(0.0), Some(f64::NAN)]);
    for (operator, failing) in [
        (Comparison::Less, 3),
        (Comparison::LessOrEqual, 2),
        (Comparison::Equal, 3),
        (Comparison::NotEqual, 1),
        (Comparison::GreaterOrEqual, 2),
        (Comparison::Greater, 3),
    ] {
        assert_eq!(compare(operator, whole, double), (failing, 4), "{operator}");
    }
    assert_eq!(compare(Comparison::Greater, double, whole), (3, 4));
    let texts = Values::Texts(&[Some("a"), Some("b"), None]);
    assert_eq!(compare(Comparison::Equal, texts, texts), (0, 2));
    let times = Values::Times(&[Some(time(1)), Some(time(2))]);
    let later = Values::Times(&[Some(time(2)), Some(time(2))]);
    assert_eq!(compare(Comparison::Less, times, later), (1, 2));
    let check = Check::Compare { left: "a".into(), operator: Comparison::Less, right: "b".into() };
    let mixed = finding(check, &[("a", times), ("b", Values::Integers(&[Some(1), Some(2)]))]);
    assert!(matches!(mixed.verdict, Verdict::Error(reason) if reason.contains("do not compare")));
}

#[test]
fn sums_are_exact_for_whole_numbers() {
    let sum = |tolerance, a, b, total| {
        let columns = vec!["a".into(), "b".into()];
        let check = Check::Sum { columns, total: "t".into(), tolerance };
        let finding = finding(check, &[("a", a), ("b", b), ("t", total)]);
        (finding.failing, finding.rows)
    };
    let a = Values::Integers(&[Some(i64::MAX), Some(BIG), Some(1), None]);
    let b = Values::Integers(&[Some(i64::MAX), Some(1), Some(1), Some(1)]);
    let total = Values::Integers(&[Some(-2), Some(BIG), Some(2), Some(1)]);
    assert_eq!(sum(0.0, a, b, total), (2, 3));
    assert_eq!(sum(1.0, a, b, total), (1, 3));
    let a = Values::Numbers(&[Some(0.1), Some(f64::NAN), Some(f64::INFINITY)]);
    let b = Values::Numbers(&[Some(0.2), Some(1.0), Some(1.0)]);
    let total = Values::Numbers(&[Some(0.3), Some(1.0), Some(f64::INFINITY)]);
    assert_eq!((sum(0.0, a, b, total), sum(1e-9, a, b, total)), ((3, 3), (2, 3)));
}

#[test]
fn moments_are_judged() {
    let numbers: Vec<_> = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Some).to_vec();
    let numbers = Values::Numbers(&numbers);
    let mean = |range| Check::Mean { column: "x".into(), range };
    let deviation = |range| Check::StandardDeviation { column: "x".into(), range };
    for (check, verdict) in [
        (mean(Range::at_least(5).and_at_most(5)), Verdict::Passed),
        (mean(Range::above(5)), Verdict::Failed),
        // numpy.std(ddof=1): 2.138089935299395
        (deviation(Range::at_most(2.139)), Verdict::Passed),
        (deviation(Range::at_least(2.139)), Verdict::Failed),
    ] {
        let finding = finding(check, &[("x", numbers)]);
        assert_eq!(finding.verdict, verdict, "{}", finding.expected);
    }
    let found = finding(deviation(Range::at_least(0)), &[("x", numbers)]);
    assert_eq!(found.observed, Some(2.138089935299395));
    // Beyond 2^53 whole numbers add up exactly.
    let big = Values::Integers(&[
        Some(i64::MAX),
        Some(i64::MAX),
        Some(-i64::MAX),
        Some(-i64::MAX),
        Some(3),
    ]);
    assert_eq!(finding(mean(Range::at_least(0)), &[("x", big)]).observed, Some(0.6));
    let nan = Values::Numbers(&[Some(1.0), Some(f64::NAN), None]);
    let nan = finding(mean(Range::at_least(0)), &[("x", nan)]);
    assert_eq!(nan.verdict, Verdict::Error("1 values are NaN or infinite".into()));
    let one = finding(deviation(Range::at_least(0)), &[("x", Values::Numbers(&[Some(1.0)]))]);
    assert_eq!(one.verdict, Verdict::Insufficient("1 values are too few".into()));
}

#[test]
fn quantiles_are_those_of_the_sorted_values() {
    let values: Vec<Option<f64>> = (1..=20).rev().map(|value| Some(f64::from(value))).collect();
    for (probability, expected) in
        [(0.5, 10.0), (0.05, 1.0), (0.95, 19.0), (0.951, 20.0), (0.501, 11.0)]
    {
        // numpy.quantile(values, p, method="inverted_cdf")
        for (range, verdict) in [
            (Range::at_least(expected).and_at_most(expected), Verdict::Passed),
            (Range::above(expected), Verdict::Failed),
            (Range::below(expected), Verdict::Failed),
        ] {
            let check = Check::Quantile { column: "x".into(), probability, range };
            let finding = finding(check, &[("x", Values::Numbers(&values))]);
            assert_eq!(finding.verdict, verdict, "{}", finding.expected);
        }
    }
    let range = Range::at_most(1);
    let check = Check::Quantile { column: "x".into(), probability: 0.5, range };
    let nan = finding(check, &[("x", Values::Numbers(&[Some(f64::NAN), Some(0.0)]))]);
    assert_eq!(nan.verdict, Verdict::Error("1 values are NaN".into()));
}

#[test]
fn tables_are_judged_as_a_whole() {
    let x = ("x", Values::Integers(&[Some(1), Some(1), Some(2), None]));
    let y = ("y", Values::Texts(&[None; 4]));
    let distinct = |range| Check::Distinct { column: "x".into(), range };
    assert_eq!(finding(distinct(Range::at_most(2)), &[x]).verdict, Verdict::Passed);
    let few = finding(distinct(Range::at_least(3)), &[x]);
    assert_eq!((few.verdict, few.observed), (Verdict::Failed, Some(2.0)));
    for (range, verdict) in
        [(Range::at_least(4), Verdict::Passed), (Range::below(4), Verdict::Failed)]
    {
        assert_eq!(finding(Check::RowCount { range }, &[x]).verdict, verdict);
    }
    let columns = |names: &[&str], extra, order| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        finding(Check::Columns { names, extra, order }, &[x, y])
    };
    for (names, extra, order, detail) in [
        (&["x", "y"][..], ExtraColumns::Forbid, ColumnOrder::Same, None),
        (&["y", "x"], ExtraColumns::Forbid, ColumnOrder::Any, None),
        (&["y", "x"], ExtraColumns::Forbid, ColumnOrder::Same, Some("in another order")),
        (&["x"], ExtraColumns::Allow, ColumnOrder::Same, None),
        (&["x"], ExtraColumns::Forbid, ColumnOrder::Same, Some("not expected: `y`")),
        (&["x", "z"], ExtraColumns::Allow, ColumnOrder::Same, Some("missing: `z`")),
    ] {
        let finding = columns(names, extra, order);
        assert_eq!(finding.detail.as_deref(), detail, "{names:?}");
        let verdict = if detail.is_some() { Verdict::Failed } else { Verdict::Passed };
        assert_eq!(finding.verdict, verdict);
    }
    let of_type = |data_type| Check::Type { column: "x".into(), data_type };
    assert_eq!(finding(of_type(ColumnType::Integer), &[x]).verdict, Verdict::Passed);
    let other = finding(of_type(ColumnType::Number), &[x]);
    assert_eq!(counted(&other), (Verdict::Failed, 4, 4, vec![0]));
    assert_eq!(other.samples[0].value, "of type integer");
}

#[test]
fn the_newest_time_is_fresh_or_not() {
    let fresh = |newest: Timestamp| {
        let check = Check::Fresh { column: "x".into(), max_age: Duration::from_secs(60) };
        finding(check, &[("x", Values::Times(&[Some(time(0)), Some(newest), None]))])
    };
    // The report is made at 1000 s.
    for (newest, verdict, age) in [
        (time(940), Verdict::Passed, 60.0),
        (Timestamp::from_micros(939_999_999), Verdict::Failed, 60.000001),
        (time(1000), Verdict::Passed, 0.0),
        (time(1001), Verdict::Failed, -1.0),
    ] {
        let finding = fresh(newest);
        assert_eq!((finding.verdict, finding.observed), (verdict, Some(age)), "{newest}");
    }
    let check = Check::Fresh { column: "x".into(), max_age: Duration::from_secs(60) };
    let none = finding(check, &[("x", Values::Times(&[None]))]);
    assert!(matches!(none.verdict, Verdict::Insufficient(_)));
}

#[test]
fn distributions_need_evidence_and_an_effect() {
    let ages: Vec<f64> = (0..1000).map(|row| f64::from(row % 100)).collect();
    let plans: Vec<&str> = (0..1000).map(|row| ["free", "pro"][row % 2]).collect();
    let columns = [("age", Column::numeric(&ages)), ("plan", Column::categorical(&plans))];
    let origin = Origin::new("reference", Timestamp::EPOCH);
    let reference = Profile::fit(&columns, origin, &ProfileOptions::default()).unwrap();
    let suite = |min_effect| {
        let check =
            |column: &str| Check::Distribution { column: column.into(), alpha: 0.001, min_effect };
        let checks = ["age", "plan", "other"].map(|column| Expectation::new(check(column)));
        Suite::new("s", checks.to_vec()).unwrap()
    };
    let verdicts = |rows: usize, shift: i64, min_effect| {
        let ages: Vec<_> = (0..rows).map(|row| Some((row % 100) as i64 + shift)).collect();
        let plans: Vec<_> = (0..rows)
            .map(|row| Some(["free", "pro"][row % (2 - usize::from(shift > 0))]))
            .collect();
        let mut checker = Checker::new(suite(min_effect), &CheckerOptions::default())
            .unwrap()
            .with_reference(reference.clone())
            .unwrap();
        let columns = [
            ("age", Values::Integers(&ages)),
            ("plan", Values::Texts(&plans)),
            ("other", Values::Texts(&plans)),
        ];
        checker.observe(&Batch::new(&columns).unwrap()).unwrap();
        let report = checker.report(time(0));
        report.findings.into_iter().map(|finding| finding.verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(500, 0, 0.0)[..2], [Verdict::Passed, Verdict::Passed]);
    assert_eq!(verdicts(500, 30, 0.1)[..2], [Verdict::Failed, Verdict::Failed]);
    // Evident, and too small to matter.
    assert_eq!(verdicts(500, 30, 0.9)[..2], [Verdict::Passed, Verdict::Passed]);
    for verdict in &verdicts(1, 30, 0.1)[..2] {
        assert!(
            matches!(verdict, Verdict::Insufficient(reason) if reason.contains("1 values")),
            "{verdict:?}"
        );
    }
    let missing = &verdicts(500, 0, 0.1)[2];
    assert!(
        matches!(missing, Verdict::Error(reason) if reason.contains("no reference")),
        "{missing:?}"
    );
}

//! Each check says what pandas says of the same table: see `make_golden.py`.

use std::collections::BTreeMap;

use mlops_drift::quality::{
    Batch, Check, Checker, CheckerOptions, Expectation, Range, Suite, Values, Verdict,
};
use serde::Deserialize;

use crate::data::time;

#[derive(Deserialize)]
struct Golden {
    columns: Columns,
    checks: Vec<Judged>,
    quantiles: Vec<Quantile>,
}

#[derive(Deserialize)]
struct Columns {
    #[serde(flatten)]
    whole: BTreeMap<String, Vec<Option<i64>>>,
    score: Vec<Option<f64>>,
    plan: Vec<Option<String>>,
}

#[derive(Deserialize)]
struct Judged {
    expectation: serde_json::Value,
    rows: u64,
    /// Of checks of rows.
    #[serde(default)]
    failing: Option<u64>,
    #[serde(default)]
    samples: Vec<u64>,
    observed: f64,
}

#[derive(Deserialize)]
struct Quantile {
    column: String,
    probability: f64,
    value: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

/// A checker that has seen the table, in batches of 50 rows.
fn checked(suite: Suite, columns: &Columns) -> Checker {
    let options = CheckerOptions::default().with_samples(1000);
    let mut checker = Checker::new(suite, &options).unwrap();
    let plans: Vec<_> = columns.plan.iter().map(Option::as_deref).collect();
    for start in (0..plans.len()).step_by(50) {
        let rows = start..(start + 50).min(plans.len());
        let mut batch: Vec<_> = columns
            .whole
            .iter()
            .map(|(name, values)| (name.as_str(), Values::Integers(&values[rows.clone()])))
            .collect();
        batch.push(("score", Values::Numbers(&columns.score[rows.clone()])));
        batch.push(("plan", Values::Texts(&plans[rows])));
        checker.observe(&Batch::new(&batch).unwrap()).unwrap();
    }
    checker
}

#[test]
fn pandas_agrees() {
    let Golden { columns, mut checks, .. } = golden();
    if !cfg!(feature = "regex") {
        checks.retain(|check| check.expectation["expect"] != "matches");
    }
    let suite = serde_json::json!({
        "format_version": 1,
        "expectations": checks.iter().map(|check| &check.expectation).collect::<Vec<_>>(),
    });
    let checker = checked(Suite::from_json(&suite.to_string()).unwrap(), &columns);
    let report = checker.report(time(0));
    assert_eq!(report.findings.len(), checks.len());
    let some_fail = checks.iter().filter(|check| check.failing.is_some_and(|rows| rows > 0));
    assert!(some_fail.count() > 8);
    for (finding, check) in report.findings.iter().zip(&checks) {
        let failing = check.failing.unwrap_or(0);
        assert_eq!((finding.rows, finding.failing), (check.rows, failing), "{}", finding.expected);
        let verdict = if failing > 0 { Verdict::Failed } else { Verdict::Passed };
        assert_eq!(finding.verdict, verdict, "{}", finding.expected);
        let observed = finding.observed.unwrap();
        assert!(
            (observed - check.observed).abs() <= 1e-13 * check.observed.abs(),
            "{}: {observed}, not {}",
            finding.expected,
            check.observed
        );
        let rows: Vec<_> = finding.samples.iter().map(|sample| sample.row).collect();
        if matches!(finding.expectation.check, Check::Unique { .. }) {
            // One row of each value that is repeated.
            assert!(rows.iter().all(|row| check.samples.contains(row)), "{}", finding.expected);
            assert_eq!(rows.first(), check.samples.first());
        } else {
            assert_eq!(rows, check.samples, "{}", finding.expected);
        }
    }
}

#[test]
fn numpy_agrees_on_quantiles() {
    let Golden { columns, quantiles, .. } = golden();
    let mut expectations = Vec::new();
    for Quantile { column, probability, value } in &quantiles {
        for range in [
            Range::at_least(*value).and_at_most(*value),
            Range::above(*value),
            Range::below(*value),
        ] {
            let (column, probability) = (column.clone(), *probability);
            expectations.push(Expectation::new(Check::Quantile { column, probability, range }));
        }
    }
    let checker = checked(Suite::new("quantiles", expectations).unwrap(), &columns);
    let findings = checker.report(time(0)).findings;
    for findings in findings.chunks(3) {
        let verdicts = findings.iter().map(|finding| finding.verdict.clone());
        let verdicts: Vec<_> = verdicts.collect();
        assert_eq!(
            verdicts,
            [Verdict::Passed, Verdict::Failed, Verdict::Failed],
            "{}",
            findings[0].expected
        );
    }
}

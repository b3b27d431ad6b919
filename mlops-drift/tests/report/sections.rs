//! Sections of which each finding is a line: data quality, and service figures beside a baseline.

use mlops_core::alert::Severity;
use mlops_drift::{
    performance::Degradation,
    quality::{Batch, Check, Checker, CheckerOptions, Expectation, Range, Suite, Values},
    report::{Report, Section},
};
use serde_json::json;

use crate::data::{MADE_AT, customers};

fn both() -> Report {
    let check = |check, severity| Expectation::new(check).with_severity(severity);
    let suite = Suite::new(
        "customers <b>",
        vec![
            check(Check::between("age", Range::at_least(0).and_at_most(120)), Severity::Warning),
            check(Check::unique("id"), Severity::Critical),
            check(Check::unique("height"), Severity::Info),
            check(Check::between("id", Range::at_least(0)), Severity::Warning),
        ],
    );
    let mut checker = Checker::new(suite.unwrap(), &CheckerOptions::default()).unwrap();
    let columns = [
        ("id", Values::Integers(&[Some(1), Some(2), Some(1)])),
        ("age", Values::Integers(&[Some(31), Some(-4), Some(44)])),
    ];
    checker.observe(&Batch::new(&columns).unwrap()).unwrap();
    let degradation: Degradation = serde_json::from_value(json!({ "figures": [
        { "figure": "latency_p95", "baseline": 0.1, "current": 0.11, "change": 0.1, "p_value": null, "verdict": "ok" },
        { "figure": "error_rate", "baseline": 0.01, "current": 0.2, "change": 0.19, "p_value": 1e-40, "verdict": "critical" },
        { "figure": "throughput", "baseline": null, "current": 3.0, "change": null, "p_value": null, "verdict": "insufficient" },
    ] }))
    .unwrap();
    customers()
        .with_section(Section::Quality(checker.report(MADE_AT)))
        .with_section(Section::Degradation(degradation))
}

#[test]
fn they_are_json_and_back() {
    let report = both();
    let json = report.to_json().unwrap();
    assert_eq!(Report::from_json("stored", &json).unwrap(), report);
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["sections"][1]["quality"]["suite"], "customers <b>");
    assert_eq!(value["sections"][2]["degradation"]["figures"][1]["figure"], "error_rate");
}

#[test]
fn their_text_has_the_worst_first() {
    let text = both().to_text();
    let headline = "2 of 4 expectations failed and 1 could not be checked\n3 rows of customers <b>, checked 2026-11-01 08:00 UTC\n";
    let (_, quality) = text.split_once(headline).unwrap();
    let lines: Vec<&str> = quality.lines().collect();
    assert!(lines[1].starts_with("expectation "), "{quality}");
    let order = ["`id` is unique", "`height`", "`age` is in", "`id` is in"];
    let place = |what: &str| lines.iter().position(|line| line.starts_with(what));
    let places = order.map(|what| place(what).unwrap_or_else(|| panic!("{what}: {quality}")));
    assert!(places.is_sorted(), "{quality}");
    assert!(quality.contains("1 of 3 (33.3%)"), "{quality}");
    assert!(quality.contains("\n`age` is in [0, 120]: row 1: -4\n"), "{quality}");
    let headline =
        "1 of 3 service figures got critically worse and 1 had too little data to tell\n";
    let (_, service) = text.split_once(headline).unwrap();
    let error_rate = service.lines().find(|line| line.starts_with("error_rate")).unwrap();
    let cells: Vec<&str> = error_rate.split_whitespace().collect();
    assert_eq!(cells, ["error_rate", "critical", "0.01", "0.2", "0.19", "<", "1e-12"]);
}

#[cfg(feature = "html")]
#[test]
fn they_are_on_the_page_with_what_failed() {
    let page = both().to_html().unwrap();
    assert!(page.contains("<h2>2 of 4 expectations failed and 1 could not be checked</h2>"));
    assert!(page.contains("3 rows of customers &lt;b&gt;, checked"));
    assert!(page.contains("<li><bdi>row 1: -4</bdi></li>"));
    assert!(page.contains("<h2>1 of 3 service figures got critically worse"));
    assert_eq!(page.matches("<section").count(), 3);
}

//! Sections of which each finding is a line: data quality, service figures beside a baseline, and how well
//! the model does.

use mlops_core::alert::Severity;
use mlops_drift::{
    performance::{Degradation, PerformanceComparison},
    quality::{Batch, Check, Checker, CheckerOptions, Expectation, Range, Suite, Values},
    report::{Report, Section},
};
use serde_json::json;

use crate::data::{MADE_AT, customers};

fn all() -> Report {
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
    let difference = |difference: f64, p_value: f64| {
        let interval = json!({ "low": difference - 0.05, "high": difference + 0.05 });
        json!({ "difference": difference, "interval": interval, "p_value": p_value })
    };
    let performance: PerformanceComparison = serde_json::from_value(json!({
        "reference_rows": 2000, "current_rows": 1000, "confidence": 0.95,
        "figures": [
            { "figure": "log_loss", "reference": 0.3, "current": 0.31, "difference": difference(0.01, 0.3),
              "adjusted_p_value": 0.3, "is_worse": false },
            { "figure": "accuracy", "reference": 0.9, "current": 0.8, "difference": difference(-0.1, 1e-5),
              "adjusted_p_value": 2e-5, "is_worse": true },
        ],
    }))
    .unwrap();
    customers()
        .with_section(Section::Quality(checker.report(MADE_AT)))
        .with_section(Section::Degradation(degradation))
        .with_section(Section::Performance(performance))
}

#[test]
fn they_are_json_and_back() {
    let report = all();
    let json = report.to_json().unwrap();
    assert_eq!(Report::from_json("stored", &json).unwrap(), report);
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["sections"][1]["quality"]["suite"], "customers <b>");
    assert_eq!(value["sections"][2]["degradation"]["figures"][1]["figure"], "error_rate");
    assert_eq!(value["sections"][3]["performance"]["figures"][1]["is_worse"], true);
}

#[test]
fn their_text_has_the_worst_first() {
    let text = all().to_text();
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
    let headline = "1 of 2 performance figures got worse\n1,000 rows with labels beside 2,000 rows of the reference;";
    let (_, performance) = text.split_once(headline).unwrap();
    let mut lines =
        performance.lines().skip(3).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let cells = ["accuracy", "worse", "0.9", "0.8", "-0.1", "(-0.15", "to", "-0.05)", "2.0e-5"];
    assert_eq!(lines.next().unwrap(), cells, "{performance}");
    assert_eq!(lines.next().unwrap()[..3], ["log_loss", "no", "worse"]);
}

#[cfg(feature = "html")]
#[test]
fn they_are_on_the_page_with_what_failed() {
    let page = all().to_html().unwrap();
    assert!(page.contains("<h2>2 of 4 expectations failed and 1 could not be checked</h2>"));
    assert!(page.contains("3 rows of customers &lt;b&gt;, checked"));
    assert!(page.contains("<li><bdi>row 1: -4</bdi></li>"));
    assert!(page.contains("<h2>1 of 3 service figures got critically worse"));
    assert!(page.contains("<h2>1 of 2 performance figures got worse</h2>"));
    assert_eq!(page.matches("<section").count(), 4);
}

#[test]
fn without_labels_nothing_is_said_of_performance() {
    let none: PerformanceComparison = serde_json::from_value(json!({
        "reference_rows": 2000, "current_rows": 0, "confidence": 0.95, "figures": [],
    }))
    .unwrap();
    let text = customers().with_section(Section::Performance(none)).to_text();
    assert!(text.contains(
        "\nToo few rows with labels to tell how well the model does\n0 rows with labels"
    ));
}

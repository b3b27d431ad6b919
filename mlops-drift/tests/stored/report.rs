//! Reports: of those that are read, every form can be made.

use mlops_core::{alert::Severity, timestamp::Timestamp};
use mlops_drift::{
    compare::{CategoryCounts, CompareOptions, Comparer, FeatureKind, Numbers},
    performance::{Degradation, DegradationOptions, ServiceStats},
    quality::{Batch, Check, Checker, CheckerOptions, Expectation, Range, Suite, Values},
    report::{Report, Section},
};

use crate::damage::survives;

#[test]
fn a_report_has_a_text_and_a_page() {
    let numbers = |from: i32| Numbers::new((from..from + 90).map(f64::from).collect(), 10).unwrap();
    let mut comparer = Comparer::new(&CompareOptions::default(), 100, 100).unwrap();
    comparer.numbers("number", &numbers(0), &numbers(40)).unwrap();
    let mut names = CategoryCounts::new(0);
    ["a", "b", "c"].iter().for_each(|name| names.add(name, 30));
    comparer.categories("name", &names, &names).unwrap();
    comparer.failed("gone", FeatureKind::Numeric, "it is gone");
    comparer.unexpected("new");
    let check = Check::between("x", Range::at_least(2));
    let check = Expectation::new(check).with_severity(Severity::Warning);
    let suite = Suite::new("suite", vec![check]).unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    let columns = [("x", Values::Integers(&[Some(1), Some(2), None]))];
    checker.observe(&Batch::new(&columns).unwrap()).unwrap();
    let stats = ServiceStats::default();
    let service = Degradation::of(&stats, &stats, &DegradationOptions::default()).unwrap();
    let report = Report::new("title", Timestamp::EPOCH, "then", "now")
        .with_section(Section::Drift(comparer.finish().unwrap()))
        .with_section(Section::Quality(checker.report(Timestamp::EPOCH)))
        .with_section(Section::Degradation(service));
    survives(&report, |report| {
        #[cfg(feature = "html")]
        report.to_html().unwrap();
        report.to_text().len()
    });
}

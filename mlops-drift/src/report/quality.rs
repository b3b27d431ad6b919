//! Data quality as a [`Table`].

use mlops_core::alert::Severity;

use super::{
    figure::{count, counted, minute, number, percent, share, shortened},
    table::{Level, Line, Table, tally},
};
use crate::quality::{Finding, QualityReport, Verdict};

/// Characters of an expectation.
const EXPECTED: usize = 200;
/// Characters of a note.
const NOTE: usize = 300;

pub(super) fn table(report: &QualityReport) -> Table {
    let lines: Vec<Line> = report.findings.iter().map(line).collect();
    let with = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    let counts = [
        (with("failed"), "failed"),
        (with("error"), "could not be checked"),
        (with("too few rows"), "had too few rows to tell"),
    ];
    let headline = tally(lines.len(), "expectation", &counts, "The data meets all of");
    let about = format!(
        "{} of {}, checked {}",
        counted(report.rows, "row"),
        shortened(&report.suite, NOTE),
        minute(report.checked_at)
    );
    let heads = vec!["Expectation", "Verdict", "Severity", "Failing rows", "Observed"];
    Table::new(headline, about, heads, lines)
}

fn line(finding: &Finding) -> Line {
    let (level, verdict, reason) = match &finding.verdict {
        Verdict::Passed => (Level::Good, "passed", None),
        Verdict::Insufficient(reason) => (Level::Unknown, "too few rows", Some(reason)),
        Verdict::Failed if finding.expectation.severity == Severity::Critical => {
            (Level::Worst, "failed", None)
        }
        Verdict::Failed => (Level::Bad, "failed", None),
        Verdict::Error(reason) => (Level::Worst, "error", Some(reason)),
    };
    let severity = match finding.expectation.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    let failing = match (finding.failing, finding.rows) {
        (0, _) => "0".to_owned(),
        (failing, rows) if failing > rows => count(failing),
        (failing, rows) => {
            format!("{} of {} ({})", count(failing), count(rows), percent(share(failing, rows)))
        }
    };
    let samples = finding.samples.iter();
    let samples = samples.map(|each| format!("row {}: {}", each.row, shortened(&each.value, 80)));
    let said = reason.into_iter().chain(&finding.detail).map(|note| shortened(note, NOTE));
    Line {
        level,
        name: shortened(&finding.expected, EXPECTED),
        verdict,
        cells: vec![
            severity.to_owned(),
            failing,
            finding.observed.map_or_else(|| "–".to_owned(), number),
        ],
        notes: said.chain(samples).collect(),
    }
}

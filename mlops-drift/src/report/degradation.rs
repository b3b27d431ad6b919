//! Service figures beside a baseline as a [`Table`].

use super::{
    figure::{number, p_value},
    table::{Level, Line, Table, tally},
};
use crate::performance::{Degradation, FigureChange, ServiceVerdict};

pub(super) fn table(degradation: &Degradation) -> Table {
    let lines: Vec<Line> = degradation.figures.iter().map(line).collect();
    let with = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    let counts = [
        (with("critical"), "got critically worse"),
        (with("warning"), "got worse"),
        (with("too little data"), "had too little data to tell"),
    ];
    let headline = tally(lines.len(), "service figure", &counts, "No worse than the baseline:");
    let about = "Figures of the service beside those of a baseline".to_owned();
    let heads = vec!["Figure", "Verdict", "Baseline", "Current", "Change", "p"];
    Table::new(headline, about, heads, lines)
}

fn line(change: &FigureChange) -> Line {
    let (level, verdict) = match change.verdict {
        ServiceVerdict::Ok => (Level::Good, "ok"),
        ServiceVerdict::Insufficient => (Level::Unknown, "too little data"),
        ServiceVerdict::Warning => (Level::Bad, "warning"),
        ServiceVerdict::Critical => (Level::Worst, "critical"),
    };
    let maybe = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), number);
    let p = change.p_value.map_or_else(|| "–".to_owned(), p_value);
    let cells = vec![maybe(change.baseline), maybe(change.current), maybe(change.change), p];
    Line { level, name: change.figure.to_string(), verdict, cells, notes: Vec::new() }
}

//! [`TableView`]: a section of which each finding is a line.

use serde::Serialize;

use crate::report::table::{Level, Line, Table};

/// What the page shows of a table.
#[derive(Debug, Serialize)]
pub(super) struct TableView {
    class: &'static str,
    headline: String,
    about: String,
    heads: Vec<&'static str>,
    lines: Vec<LineView>,
    left_out: usize,
}

/// What it shows of a finding.
#[derive(Debug, Serialize)]
struct LineView {
    class: &'static str,
    name: String,
    verdict: &'static str,
    cells: Vec<String>,
    notes: Vec<String>,
}

impl From<Table> for TableView {
    fn from(table: Table) -> Self {
        // The worst comes first.
        let worst = table.lines.first().map_or(Level::Good, |line| line.level);
        let class = class(worst);
        let Table { headline, about, heads, lines, left_out } = table;
        let lines = lines.into_iter().map(|line| {
            let Line { level, name, verdict, cells, notes } = line;
            LineView { class: self::class(level), name, verdict, cells, notes }
        });
        Self { class, headline, about, heads, lines: lines.collect(), left_out }
    }
}

/// What styles know a level by.
fn class(level: Level) -> &'static str {
    match level {
        Level::Good => "calm",
        Level::Unknown => "few",
        Level::Bad => "drift",
        Level::Worst => "error",
    }
}

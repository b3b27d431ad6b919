//! [`Table`]: a section of which each finding is a line.

use super::figure::{counted, listed};

/// Findings on a page or in a text. More would be too much for either; they are in the JSON.
const LINES: usize = 1000;

/// A section of which each finding is a line, what needs somebody first.
#[derive(Debug)]
pub(super) struct Table {
    /// The verdict in a line, and what it is about.
    pub(super) headline: String,
    pub(super) about: String,
    /// Above the names, the verdicts and the cells.
    pub(super) heads: Vec<&'static str>,
    pub(super) lines: Vec<Line>,
    /// How many lines there are besides.
    pub(super) left_out: usize,
}

/// A finding.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) name: String,
    pub(super) verdict: &'static str,
    pub(super) cells: Vec<String>,
    /// What else is to be said.
    pub(super) notes: Vec<String>,
}

/// How much a finding needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Good,
    Unknown,
    Bad,
    Worst,
}

impl Table {
    /// With the worst lines first, and no more than can be shown.
    pub(super) fn new(
        headline: String,
        about: String,
        heads: Vec<&'static str>,
        mut lines: Vec<Line>,
    ) -> Self {
        lines.sort_by_key(|line| std::cmp::Reverse(line.level));
        let left_out = lines.len().saturating_sub(LINES);
        lines.truncate(LINES);
        Self { headline, about, heads, lines, left_out }
    }
}

/// A headline from how many things have which verdict: `2 of 9 expectations failed, 1 could not be checked`.
pub(super) fn tally(total: usize, thing: &str, counts: &[(usize, &str)], none: &str) -> String {
    let total = counted(total as u64, thing);
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .enumerate()
        .map(|(index, (count, what))| {
            if index == 0 {
                format!("{count} of {total} {what}")
            } else {
                format!("{count} {what}")
            }
        })
        .collect();
    if said.is_empty() { format!("{none} {total}") } else { listed(&said) }
}

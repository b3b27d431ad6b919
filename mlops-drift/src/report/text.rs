//! A report as text, for a terminal.

use super::{
    Report, Section, degradation,
    figure::{count, p_value, shortened},
    headline::{Headline, advice},
    performance, quality,
    row::{self, Row},
    table::Table,
};
use crate::compare::Comparison;

/// Features in the table.
const ROWS: usize = 40;
/// Characters of a name.
const NAME: usize = 32;

impl Report {
    /// The report as text for a terminal: the verdict, what to do next, and a table of the 40 features that
    /// need it most.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", shortened(&self.title, 100));
        for section in &self.sections {
            match section {
                Section::Drift(comparison) => drift(self, comparison, &mut text),
                Section::Quality(report) => lines(quality::table(report), &mut text),
                Section::Degradation(found) => lines(degradation::table(found), &mut text),
                Section::Performance(found) => lines(performance::table(found), &mut text),
            }
        }
        text
    }
}

fn drift(report: &Report, comparison: &Comparison, text: &mut String) {
    let name = |name: &str| shortened(name, NAME);
    let side = |source: &str, rows| format!("{} ({} rows)", shortened(source, 60), count(rows));
    let rows = row::sorted(comparison);
    let lines = [
        format!(
            "{} against {}",
            side(&report.current, comparison.current_rows),
            side(&report.reference, comparison.reference_rows)
        ),
        String::new(),
        Headline::of(comparison, &rows).line(name),
        advice(&rows, name),
        String::new(),
    ];
    text.push_str(&lines.join("\n"));
    text.push('\n');
    let heads = ["feature", "verdict", "effect", "from", "adjusted p", "nulls", "mean or top"];
    let mut table = vec![heads.map(str::to_owned)];
    table.extend(rows.iter().take(ROWS).map(cells));
    write_table(&table, text);
    if rows.len() > ROWS {
        text.push_str(&format!("and {} more\n", rows.len() - ROWS));
    }
    let reasons = rows.iter().take(ROWS).filter_map(|row| {
        let reason = row.feature.reason.as_ref()?;
        Some(format!("{}: {}\n", name(&row.feature.name), shortened(reason, 200)))
    });
    let reasons: String = reasons.collect();
    if !reasons.is_empty() {
        text.push_str(&format!("\n{reasons}"));
    }
    if let Some(unexpected) = row::unexpected(&comparison.unexpected, name) {
        text.push_str(&format!("\n{unexpected}\n"));
    }
}

fn lines(table: Table, text: &mut String) {
    text.push_str(&format!("\n{}\n{}\n\n", table.headline, table.about));
    let columns = table.heads.len();
    let mut cells = vec![table.heads.iter().map(|head| head.to_lowercase()).collect::<Vec<_>>()];
    let shown = table.lines.len().min(ROWS);
    let more = table.left_out + table.lines.len() - shown;
    let mut reasons = String::new();
    for line in table.lines.into_iter().take(ROWS) {
        if let Some(reason) = line.notes.first() {
            reasons.push_str(&format!("{}: {reason}\n", shortened(&line.name, 60)));
        }
        let mut row = vec![shortened(&line.name, 60), line.verdict.to_owned()];
        row.extend(line.cells);
        row.resize(columns, String::new());
        cells.push(row);
    }
    write_table(&cells, text);
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    if !reasons.is_empty() {
        text.push_str(&format!("\n{reasons}"));
    }
}

fn cells(row: &Row<'_>) -> [String; 7] {
    let [effect, from, p] = row.lead.map_or_else(Default::default, |lead| {
        let effect = lead.effect;
        [
            format!("{:.3} {}", effect.value, row::aspect(lead.aspect)),
            format!("{}", effect.threshold),
            p_value(lead.adjusted_p_value),
        ]
    });
    let nulls = row.nulls_text();
    let middle = row.middle().map(|middle| middle.join(" → ")).unwrap_or_default();
    let verdict = row::verdict(row.feature.verdict).to_owned();
    [shortened(&row.feature.name, NAME), verdict, effect, from, p, nulls, middle]
}

/// Columns as wide as their widest cell, without spaces at the ends of lines.
fn write_table(table: &[impl AsRef<[String]>], text: &mut String) {
    let width = |cell: &String| cell.chars().count();
    let columns = table.first().map_or(0, |heads| heads.as_ref().len());
    let widest = |column: usize| table.iter().map(move |row| width(&row.as_ref()[column])).max();
    let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    for row in table {
        let mut line = String::new();
        for (cell, widest) in row.as_ref().iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

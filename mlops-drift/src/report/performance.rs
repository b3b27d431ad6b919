//! Figures of a model beside those of a reference, as a [`Table`].

use super::{
    figure::{counted, number, p_value, percent, shortened},
    table::{Level, Line, Table, tally},
};
use crate::performance::{FigureComparison, PerformanceComparison};

/// Characters of the name of a figure.
const NAME: usize = 100;

pub(super) fn table(found: &PerformanceComparison) -> Table {
    let lines: Vec<Line> = found.figures.iter().map(line).collect();
    let worse = found.figures.iter().filter(|figure| figure.is_worse).count();
    let headline = if lines.is_empty() {
        "Too few rows with labels to tell how well the model does".to_owned()
    } else {
        let counts = [(worse, "got worse")];
        tally(lines.len(), "performance figure", &counts, "No worse than the reference:")
    };
    let about = format!(
        "{} with labels beside {} of the reference; the change with its {} interval",
        counted(found.current_rows, "row"),
        counted(found.reference_rows, "row"),
        percent(found.confidence),
    );
    let heads = vec!["Figure", "Verdict", "Reference", "Current", "Change", "Adjusted p"];
    Table::new(headline, about, heads, lines)
}

fn line(found: &FigureComparison) -> Line {
    let (level, verdict) =
        if found.is_worse { (Level::Bad, "worse") } else { (Level::Good, "no worse") };
    let difference = &found.difference;
    let change = format!(
        "{} ({} to {})",
        number(difference.difference),
        number(difference.interval.low),
        number(difference.interval.high)
    );
    let cells = vec![
        number(found.reference),
        number(found.current),
        change,
        p_value(found.adjusted_p_value),
    ];
    Line { level, name: shortened(&found.figure, NAME), verdict, cells, notes: Vec::new() }
}

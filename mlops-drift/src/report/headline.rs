//! What is to be said first: [`Headline`], and what to do next.

use super::{
    figure::{counted, listed, shortened},
    row::Row,
};
use crate::compare::{Aspect, Comparison, Verdict};

/// Features that are named.
const NAMED: usize = 6;
/// Characters of a reason.
const REASON: usize = 200;

/// The verdict in a line.
#[derive(Debug)]
pub(super) struct Headline<'a> {
    /// For instance `3 of 20 features have drifted`.
    pub(super) text: String,
    /// The first of those that it is about.
    pub(super) names: Vec<&'a str>,
    /// How many there are besides.
    pub(super) more: usize,
}

impl<'a> Headline<'a> {
    /// Of features in the order of their urgency.
    pub(super) fn of(comparison: &Comparison, rows: &[Row<'a>]) -> Self {
        let total = counted(rows.len() as u64, "feature");
        let with = |verdict| move |row: &&Row<'a>| row.feature.verdict == verdict;
        let count = |verdict| rows.iter().filter(with(verdict)).count();
        let text = match comparison.verdict {
            _ if rows.is_empty() => "There are no features to compare".to_owned(),
            Verdict::Drift => match count(Verdict::Drift) {
                1 => format!("1 of {total} has drifted"),
                drifted => format!("{drifted} of {total} have drifted"),
            },
            Verdict::Error => match count(Verdict::Error) {
                failed if failed == rows.len() => format!("{total} could not be compared"),
                failed => {
                    format!("{failed} of {total} could not be compared, no other has drifted")
                }
            },
            Verdict::NoDrift => match count(Verdict::Insufficient) {
                0 => format!("None of {total} has drifted"),
                few => format!("None of {total} has drifted, but {few} had too few rows to tell"),
            },
            Verdict::Insufficient => {
                format!("Too few rows to tell whether any of {total} has drifted")
            }
        };
        let about = matches!(comparison.verdict, Verdict::Drift | Verdict::Error);
        let named = rows.iter().filter(with(comparison.verdict)).map(|row| &*row.feature.name);
        let mut names: Vec<&str> = if about { named.collect() } else { Vec::new() };
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        Self { text, names, more }
    }

    /// As one line.
    pub(super) fn line(&self, name: impl Fn(&str) -> String) -> String {
        let mut names: Vec<String> = self.names.iter().map(|each| name(each)).collect();
        if self.more > 0 {
            names.push(format!("{} more", self.more));
        }
        if names.is_empty() {
            self.text.clone()
        } else {
            format!("{}: {}", self.text, listed(&names))
        }
    }
}

/// What to do next, of features in the order of their urgency. `name` is how a name is shown.
pub(super) fn advice(rows: &[Row<'_>], name: impl Fn(&str) -> String) -> String {
    let with = |verdict| rows.iter().filter(move |row| row.feature.verdict == verdict);
    let failed = with(Verdict::Error).count();
    let also = if failed == 0 {
        String::new()
    } else {
        format!(" {} could not be compared: the table says why.", counted(failed as u64, "feature"))
    };
    let filled_differently =
        |row: &&Row<'_>| row.lead.is_some_and(|lead| lead.aspect != Aspect::Distribution);
    if let Some(row) = with(Verdict::Drift).find(filled_differently) {
        return format!(
            "Begin with what fills {}: {}, which is a broken source more often than a changed \
             world.{also}",
            name(&row.feature.name),
            row.change()
        );
    }
    if let Some(row) = with(Verdict::Drift).next() {
        return format!(
            "Begin with {}: {}. Find out whether that is real and whether the model still does \
             well; if it is here to stay, retrain and make the current data the reference.{also}",
            name(&row.feature.name),
            row.change()
        );
    }
    if let Some(row) = with(Verdict::Error).next() {
        let reason = row.feature.reason.as_deref().unwrap_or("no reason is given");
        let reason = shortened(reason, REASON);
        return format!("Mend the data first. Of {}: {reason}.", name(&row.feature.name));
    }
    if let Some(row) = with(Verdict::Insufficient).next() {
        let reason = row.feature.reason.as_deref().unwrap_or("there are too few rows");
        let reason = shortened(reason, REASON);
        return format!(
            "Take a longer period or more rows before you rely on this. Of {}: {reason}.",
            name(&row.feature.name)
        );
    }
    "Nothing needs to be done.".to_owned()
}

//! [`ColumnsProbe`]: are the columns there?

use std::collections::BTreeSet;

use super::{Outcome, Verdict};
use crate::quality::{Batch, ColumnOrder, ExtraColumns, check::quoted};

/// Other columns that are remembered by name, and how much of their names.
const MAX_EXTRA: usize = 64;
const MAX_NAME: usize = 256;

/// Compares the names of columns with those that are expected, in every batch.
#[derive(Debug, Clone)]
pub(in crate::quality) struct ColumnsProbe {
    names: Vec<String>,
    extra: ExtraColumns,
    order: ColumnOrder,
    missing: BTreeSet<String>,
    /// The first in the alphabet, if there are more than are kept.
    unknown: BTreeSet<String>,
    unordered: bool,
    seen: bool,
}

impl ColumnsProbe {
    pub(super) fn new(names: &[String], extra: ExtraColumns, order: ColumnOrder) -> Self {
        Self {
            names: names.to_vec(),
            extra,
            order,
            missing: BTreeSet::new(),
            unknown: BTreeSet::new(),
            unordered: false,
            seen: false,
        }
    }

    pub(super) fn observe(&mut self, batch: &Batch<'_>) {
        self.seen = true;
        let columns = batch.columns();
        // As they should be, most of the time.
        if columns.len() == self.names.len()
            && columns.iter().zip(&self.names).all(|((column, _), name)| column == name)
        {
            return;
        }
        let places: Vec<_> = self
            .names
            .iter()
            .filter_map(|name| {
                let place = columns.iter().position(|(column, _)| column == name);
                if place.is_none() {
                    self.missing.insert(name.clone());
                }
                place
            })
            .collect();
        self.unordered |= !places.is_sorted();
        if self.extra == ExtraColumns::Forbid {
            for (column, _) in columns {
                if !self.names.iter().any(|name| name == column) {
                    self.add_unknown(column.chars().take(MAX_NAME).collect());
                }
            }
        }
    }

    fn add_unknown(&mut self, name: String) {
        self.unknown.insert(name);
        if self.unknown.len() > MAX_EXTRA {
            self.unknown.pop_last();
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.missing.extend(other.missing.iter().cloned());
        for name in &other.unknown {
            self.add_unknown(name.clone());
        }
        self.unordered |= other.unordered;
        self.seen |= other.seen;
    }

    pub(super) fn outcome(&self) -> Outcome {
        if !self.seen {
            return Outcome::insufficient("there was no batch", 0);
        }
        let unordered = self.unordered && self.order == ColumnOrder::Same;
        let failing = self.missing.len() + self.unknown.len();
        let list = |names: &BTreeSet<String>| {
            let names: Vec<_> = names.iter().cloned().collect();
            quoted(&names)
        };
        let mut details = Vec::new();
        if !self.missing.is_empty() {
            details.push(format!("missing: {}", list(&self.missing)));
        }
        if !self.unknown.is_empty() {
            details.push(format!("not expected: {}", list(&self.unknown)));
        }
        if unordered {
            details.push("in another order".to_owned());
        }
        let verdict = if details.is_empty() { Verdict::Passed } else { Verdict::Failed };
        Outcome {
            detail: (!details.is_empty()).then(|| details.join("; ")),
            failing: failing as u64,
            ..Outcome::new(verdict, None, 0)
        }
    }
}

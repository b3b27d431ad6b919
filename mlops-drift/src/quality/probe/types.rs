//! [`TypeProbe`]: is the column of its type? And [`SeenTypes`], for probes that cannot do with two.

use std::collections::BTreeMap;

use super::{Outcome, Verdict, View};
use crate::quality::{ColumnType, Sample, Values};

/// Judges a column by its type.
#[derive(Debug, Clone)]
pub(in crate::quality) struct TypeProbe {
    expected: ColumnType,
    /// Rows of each type, and the first of them.
    seen: BTreeMap<ColumnType, (u64, u64)>,
    max_samples: usize,
}

impl TypeProbe {
    pub(super) fn new(expected: ColumnType, max_samples: usize) -> Self {
        Self { expected, seen: BTreeMap::new(), max_samples }
    }

    pub(super) fn observe(&mut self, view: &View<'_>) {
        let values = view.columns[0];
        if !values.is_empty() {
            self.add(values.data_type(), values.len() as u64, view.first_row);
        }
    }

    fn add(&mut self, data_type: ColumnType, rows: u64, row: u64) {
        let seen = self.seen.entry(data_type).or_insert((0, row));
        *seen = (seen.0 + rows, seen.1.min(row));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (data_type, (rows, first)) in &other.seen {
            self.add(*data_type, *rows, *first);
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let rows: u64 = self.seen.values().map(|(rows, _)| rows).sum();
        if rows == 0 {
            return Outcome::insufficient("there are no rows", 0);
        }
        let others = || self.seen.iter().filter(|(data_type, _)| **data_type != self.expected);
        let failing = others().map(|(_, (rows, _))| rows).sum();
        let verdict = if failing == 0 { Verdict::Passed } else { Verdict::Failed };
        let mut samples: Vec<_> = others()
            .map(|(data_type, (_, row))| Sample {
                row: *row,
                value: format!("of type {data_type}"),
            })
            .collect();
        samples.sort_unstable();
        samples.truncate(self.max_samples);
        let observed = Some(failing as f64 / rows as f64);
        Outcome { failing, samples, ..Outcome::new(verdict, observed, rows) }
    }
}

/// The types that columns came in, and the first row of each. Keys of values of different types do not compare.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenTypes(BTreeMap<(usize, ColumnType), u64>);

impl SeenTypes {
    /// Notes the types of columns that have rows.
    pub(super) fn see<'a>(&mut self, columns: impl Iterator<Item = &'a Values<'a>>, row: u64) {
        for (index, values) in columns.enumerate() {
            self.add((index, values.data_type()), row);
        }
    }

    fn add(&mut self, of: (usize, ColumnType), row: u64) {
        let first = self.0.entry(of).or_insert(row);
        *first = row.min(*first);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (of, row) in &other.0 {
            self.add(*of, *row);
        }
    }

    /// How the type of a column changed, if one's did.
    pub(super) fn changed(&self) -> Option<String> {
        let neighbours = self.0.iter().zip(self.0.iter().skip(1));
        let mut changed = neighbours.filter(|((a, _), (b, _))| a.0 == b.0);
        changed.next().map(|(((_, one), first), ((_, other), second))| {
            let row = first.max(second);
            format!("a column is of type {one} and of type {other}, from row {row} on")
        })
    }
}

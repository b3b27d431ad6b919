//! [`Tally`]: rows, and how many of them failed.

use super::{Outcome, Sample, Verdict};
use crate::quality::Values;

/// Rows that were judged, how many of them failed, and the first ones that did.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) failing: u64,
    /// In the order of their rows.
    samples: Vec<Sample>,
    max_samples: usize,
}

impl Tally {
    pub(super) fn new(max_samples: usize) -> Self {
        Self { rows: 0, failing: 0, samples: Vec::new(), max_samples }
    }

    /// Judges the values that are not null.
    pub(super) fn count<T: Copy>(
        &mut self,
        values: &[Option<T>],
        first_row: u64,
        fails: impl Fn(T) -> bool,
        shown: Values<'_>,
    ) {
        self.count_rows(
            values.len(),
            first_row,
            |row| values[row].map(&fails),
            |row| shown.show(row),
        );
    }

    /// Judges rows by their place in the batch: `None` leaves one out.
    pub(super) fn count_rows(
        &mut self,
        rows: usize,
        first_row: u64,
        fails: impl Fn(usize) -> Option<bool>,
        show: impl Fn(usize) -> String,
    ) {
        // Without branches that depend on the data; rows that fail are looked for again, if there are any.
        let (mut judged, mut failing) = (0_u64, 0_u64);
        for row in 0..rows {
            let fails = fails(row);
            judged += u64::from(fails.is_some());
            failing += u64::from(fails == Some(true));
        }
        self.rows += judged;
        self.failing += failing;
        if failing == 0 {
            return;
        }
        for row in 0..rows {
            let at = first_row + row as u64;
            if !self.wants(at) {
                return;
            }
            if fails(row) == Some(true) {
                self.keep(Sample { row: at, value: show(row) });
            }
        }
    }

    /// Adds a row that failed, which is counted among the rows already.
    pub(super) fn fail(&mut self, row: u64, show: impl FnOnce() -> String) {
        self.failing += 1;
        if self.wants(row) {
            self.keep(Sample { row, value: show() });
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.failing += other.failing;
        for sample in &other.samples {
            if !self.wants(sample.row) {
                return;
            }
            self.keep(sample.clone());
        }
    }

    /// Whether it would be among the first.
    fn wants(&self, row: u64) -> bool {
        self.samples.len() < self.max_samples
            || self.samples.last().is_some_and(|last| row < last.row)
    }

    fn keep(&mut self, sample: Sample) {
        let place = self.samples.partition_point(|known| known.row < sample.row);
        self.samples.insert(place, sample);
        self.samples.truncate(self.max_samples);
    }

    /// Whether enough rows passed.
    pub(super) fn outcome(&self, mostly: f64) -> Outcome {
        if self.rows == 0 {
            return Outcome::insufficient("there is no row to judge", 0);
        }
        // A quotient of counts and a decimal in a file round to the same double, if they are the same.
        let passing = (self.rows - self.failing) as f64 / self.rows as f64;
        let verdict = if passing >= mostly { Verdict::Passed } else { Verdict::Failed };
        // A single failure is one, however many rows there are.
        let verdict = if mostly == 1.0 && self.failing > 0 { Verdict::Failed } else { verdict };
        let observed = self.failing as f64 / self.rows as f64;
        Outcome {
            failing: self.failing,
            samples: self.samples.clone(),
            ..Outcome::new(verdict, Some(observed), self.rows)
        }
    }
}

//! [`OrderProbe`]: does each value follow on the one before it?

use std::{cmp, collections::BTreeMap};

use super::{Outcome, number::Number, tally::Tally, wrong_type};
use crate::quality::{Order, Values};

/// Judges each value by the one before it. Of each range of rows that was seen it keeps the first and the
/// last value, so that ranges can be joined in any order.
#[derive(Debug, Clone)]
pub(in crate::quality) struct OrderProbe {
    order: Order,
    tally: Tally,
    /// By their first rows; they do not touch.
    runs: BTreeMap<u64, Run>,
}

/// Rows without a gap between them.
#[derive(Debug, Clone, Copy)]
struct Run {
    end: u64,
    ends: Option<Ends>,
}

/// The first value, its row, and the last one.
#[derive(Debug, Clone, Copy)]
struct Ends {
    first: Number,
    first_row: u64,
    last: Number,
}

impl OrderProbe {
    pub(in crate::quality) fn new(order: Order, samples: usize) -> Self {
        Self { order, tally: Tally::new(samples), runs: BTreeMap::new() }
    }

    pub(in crate::quality) fn observe(
        &mut self,
        values: Values<'_>,
        first_row: u64,
    ) -> Result<(), String> {
        if !matches!(values, Values::Integers(_) | Values::Numbers(_) | Values::Times(_)) {
            self.skip(first_row, values.len() as u64);
            return Err(wrong_type("numbers or times", values));
        }
        if values.is_empty() {
            return Ok(());
        }
        let mut ends: Option<Ends> = None;
        for row in 0..values.len() {
            let Some(value) = Number::at(values, row) else { continue };
            self.tally.rows += 1;
            let at = first_row + row as u64;
            // NaN is no part of an order: the next value is judged by the one before it.
            if value.compare(value).is_none() {
                self.tally.fail(at, || value.to_string());
                continue;
            }
            match &mut ends {
                None => ends = Some(Ends { first: value, first_row: at, last: value }),
                Some(ends) => {
                    if !follows(self.order, ends.last, value) {
                        let last = ends.last;
                        self.tally.fail(at, || format!("{value} after {last}"));
                    }
                    ends.last = value;
                }
            }
        }
        let end = first_row + values.len() as u64;
        self.insert(first_row, Run { end, ends });
        Ok(())
    }

    /// Takes note of rows that have no values to look at, so that the runs around them become one.
    pub(super) fn skip(&mut self, first_row: u64, rows: u64) {
        if rows > 0 {
            self.insert(first_row, Run { end: first_row + rows, ends: None });
        }
    }

    fn insert(&mut self, start: u64, mut run: Run) {
        if let Some(next) = self.runs.remove(&run.end) {
            run = self.joined(run, next);
        }
        match self.runs.range(..start).next_back().filter(|(_, before)| before.end == start) {
            Some((before_start, before)) => {
                let (before_start, before) = (*before_start, *before);
                let joined = self.joined(before, run);
                self.runs.insert(before_start, joined);
            }
            None => {
                self.runs.insert(start, run);
            }
        }
    }

    /// Both, one after the other.
    fn joined(&mut self, before: Run, after: Run) -> Run {
        judge(self.order, &mut self.tally, before.ends, after.ends);
        let ends = match (before.ends, after.ends) {
            (Some(before), Some(after)) => Some(Ends { last: after.last, ..before }),
            (before, after) => before.or(after),
        };
        Run { end: after.end, ends }
    }

    pub(in crate::quality) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        for (start, run) in &other.runs {
            self.insert(*start, *run);
        }
    }

    /// True if no value breaks it.
    pub(in crate::quality) fn is_kept(&self) -> bool {
        self.judged().failing == 0
    }

    pub(super) fn outcome(&self, mostly: f64) -> Outcome {
        self.judged().outcome(mostly)
    }

    /// With what the runs say of each other.
    fn judged(&self) -> Tally {
        // Rows that were not seen are no reason not to judge those around them.
        let mut tally = self.tally.clone();
        let mut before = None;
        for run in self.runs.values() {
            judge(self.order, &mut tally, before, run.ends);
            before = run.ends.or(before);
        }
        tally
    }
}

/// Judges the first value of a run by the last of the one before it.
fn judge(order: Order, tally: &mut Tally, before: Option<Ends>, after: Option<Ends>) {
    if let (Some(before), Some(after)) = (before, after)
        && !follows(order, before.last, after.first)
    {
        tally.fail(after.first_row, || format!("{} after {}", after.first, before.last));
    }
}

fn follows(order: Order, last: Number, next: Number) -> bool {
    next.compare(last).is_some_and(|compared| match order {
        Order::Increasing => compared != cmp::Ordering::Less,
        Order::StrictlyIncreasing => compared == cmp::Ordering::Greater,
        Order::Decreasing => compared != cmp::Ordering::Greater,
        Order::StrictlyDecreasing => compared == cmp::Ordering::Less,
    })
}

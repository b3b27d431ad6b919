//! [`PairsProbe`]: checks of several columns, row by row.

use std::cmp::Ordering;

use super::{Outcome, View, number::Number, tally::Tally, wrong_type};
use crate::quality::{Comparison, Values};

/// Judges each row by its values in several columns; rows with a null in one of them are left out.
#[derive(Debug, Clone)]
pub(in crate::quality) struct PairsProbe {
    relation: Relation,
    tally: Tally,
}

#[derive(Debug, Clone, Copy)]
enum Relation {
    Compare(Comparison),
    /// All columns but the last add up to that.
    Sum {
        tolerance: f64,
    },
}

impl PairsProbe {
    pub(super) fn compare(operator: Comparison, samples: usize) -> Self {
        Self { relation: Relation::Compare(operator), tally: Tally::new(samples) }
    }

    pub(super) fn sum(tolerance: f64, samples: usize) -> Self {
        Self { relation: Relation::Sum { tolerance }, tally: Tally::new(samples) }
    }

    pub(super) fn observe(&mut self, view: &View<'_>) -> Result<(), String> {
        match self.relation {
            Relation::Compare(operator) => self.observe_compared(view, operator),
            Relation::Sum { tolerance } => self.observe_sum(view, tolerance),
        }
    }

    fn observe_compared(&mut self, view: &View<'_>, operator: Comparison) -> Result<(), String> {
        let [left, right] = [view.columns[0], view.columns[1]];
        let mut count = |compare: &dyn Fn(usize) -> Option<Option<Ordering>>| {
            let fails = |row| compare(row).map(|order| !holds(operator, order));
            let show = |row| format!("{}, {}", left.show(row), right.show(row));
            self.tally.count_rows(left.len(), view.first_row, fails, show);
        };
        match (left, right) {
            (Values::Texts(a), Values::Texts(b)) => {
                count(&|row| a[row].zip(b[row]).map(|(a, b)| Some(a.cmp(b))))
            }
            (Values::Booleans(a), Values::Booleans(b)) => {
                count(&|row| a[row].zip(b[row]).map(|(a, b)| Some(a.cmp(&b))))
            }
            (Values::Times(a), Values::Times(b)) => {
                count(&|row| a[row].zip(b[row]).map(|(a, b)| Some(a.cmp(&b))))
            }
            (Values::Integers(a), Values::Integers(b)) => {
                count(&|row| a[row].zip(b[row]).map(|(a, b)| Some(a.cmp(&b))))
            }
            (Values::Numbers(a), Values::Numbers(b)) => {
                count(&|row| a[row].zip(b[row]).map(|(a, b)| a.partial_cmp(&b)))
            }
            (Values::Integers(_), Values::Numbers(_))
            | (Values::Numbers(_), Values::Integers(_)) => {
                count(&|row| {
                    Number::at(left, row).zip(Number::at(right, row)).map(|(a, b)| a.compare(b))
                });
            }
            _ => {
                let [left, right] = [left.data_type(), right.data_type()];
                return Err(format!("columns of type {left} and {right} do not compare"));
            }
        }
        Ok(())
    }

    fn observe_sum(&mut self, view: &View<'_>, tolerance: f64) -> Result<(), String> {
        let number =
            |values: &&Values<'_>| matches!(values, Values::Integers(_) | Values::Numbers(_));
        if let Some(other) = view.columns.iter().find(|values| !number(values)) {
            return Err(wrong_type("numbers", *other));
        }
        let Some((total, columns)) = view.columns.split_last() else { return Ok(()) };
        let whole = view.columns.iter().all(|values| matches!(values, Values::Integers(_)));
        let fails = |row: usize| {
            let off = if whole {
                let at = |values: &Values<'_>| match values {
                    Values::Integers(values) => values[row].map(i128::from),
                    _ => None,
                };
                let sum =
                    columns.iter().try_fold(0, |sum: i128, values| Some(sum + at(values)?))?;
                (sum - at(total)?) as f64
            } else {
                let at = |values: &Values<'_>| match values {
                    Values::Integers(values) => values[row].map(|value| value as f64),
                    Values::Numbers(values) => values[row],
                    _ => None,
                };
                let sum = columns.iter().try_fold(0.0, |sum, values| Some(sum + at(values)?))?;
                sum - at(total)?
            };
            Some(off.is_nan() || off.abs() > tolerance)
        };
        let show = |row| {
            let parts: Vec<_> = columns.iter().map(|values| values.show(row)).collect();
            format!("{} = {}", parts.join(" + "), total.show(row))
        };
        self.tally.count_rows(total.len(), view.first_row, fails, show);
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
    }

    pub(super) fn outcome(&self, mostly: f64) -> Outcome {
        self.tally.outcome(mostly)
    }
}

/// `None` is the order of NaN.
fn holds(operator: Comparison, order: Option<Ordering>) -> bool {
    match operator {
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
    }
}

//! [`PredicateProbe`]: checks of one value at a time.

use std::collections::HashSet;

use mlops_core::Result;

use super::{Outcome, View, tally::Tally, wrong_type};
use crate::quality::{Check, Range, SetValue, Values, pattern::Pattern};

/// Judges each value of a column by itself.
#[derive(Debug, Clone)]
pub(in crate::quality) struct PredicateProbe {
    predicate: Predicate,
    tally: Tally,
}

#[derive(Debug, Clone)]
enum Predicate {
    NotNull,
    Finite,
    Between {
        of_times: bool,
        whole: (i64, i64),
        double: (f64, f64),
    },
    Texts(HashSet<Box<str>>),
    Booleans {
        r#true: bool,
        r#false: bool,
    },
    /// In order.
    Numbers {
        whole: Vec<i64>,
        doubles: Vec<f64>,
    },
    Matches(Pattern),
    Length {
        low: usize,
        high: usize,
    },
}

impl PredicateProbe {
    pub(super) fn new(check: &Check, samples: usize) -> Result<Self> {
        let predicate = match check {
            Check::Finite { .. } => Predicate::Finite,
            Check::Between { range, .. } => Predicate::Between {
                of_times: range.is_of_times(),
                whole: range.integers(),
                double: range.numbers(),
            },
            Check::InSet { values, .. } => Predicate::of_set(values),
            Check::Matches { pattern, .. } => Predicate::Matches(Pattern::new(pattern)?),
            Check::Length { range, .. } => Predicate::of_length(range),
            _ => Predicate::NotNull,
        };
        Ok(Self { predicate, tally: Tally::new(samples) })
    }

    pub(super) fn observe(&mut self, view: &View<'_>) -> Result<(), String> {
        let (values, first_row, tally) = (view.columns[0], view.first_row, &mut self.tally);
        match (&self.predicate, values) {
            (Predicate::NotNull, values) => {
                fn count<T>(tally: &mut Tally, values: &[Option<T>], first_row: u64) {
                    let null = |row: usize| Some(values[row].is_none());
                    tally.count_rows(values.len(), first_row, null, |_| "null".to_owned());
                }
                match values {
                    Values::Integers(values) => count(tally, values, first_row),
                    Values::Numbers(values) => count(tally, values, first_row),
                    Values::Texts(values) => count(tally, values, first_row),
                    Values::Booleans(values) => count(tally, values, first_row),
                    Values::Times(values) => count(tally, values, first_row),
                }
            }
            (Predicate::Finite, Values::Numbers(numbers)) => {
                tally.count(numbers, first_row, |value| !value.is_finite(), values);
            }
            (Predicate::Finite, Values::Integers(whole)) => {
                tally.count(whole, first_row, |_| false, values);
            }
            (
                Predicate::Between { of_times: false, double: (low, high), .. },
                Values::Numbers(n),
            ) => {
                let inside = |value: f64| *low <= value && value <= *high;
                tally.count(n, first_row, |value| !inside(value), values);
            }
            (
                Predicate::Between { of_times: false, whole: (low, high), .. },
                Values::Integers(n),
            ) => {
                tally.count(n, first_row, |value| value < *low || value > *high, values);
            }
            (
                Predicate::Between { of_times: true, whole: (low, high), .. },
                Values::Times(times),
            ) => {
                let outside = |micros: i64| micros < *low || micros > *high;
                tally.count(times, first_row, |time| outside(time.as_micros()), values);
            }
            (Predicate::Texts(set), Values::Texts(texts)) => {
                tally.count(texts, first_row, |text| !set.contains(text), values);
            }
            (Predicate::Booleans { r#true, r#false }, Values::Booleans(booleans)) => {
                let known = |value| if value { *r#true } else { *r#false };
                tally.count(booleans, first_row, |value| !known(value), values);
            }
            (Predicate::Numbers { whole, .. }, Values::Integers(integers)) => {
                let known = |value: i64| whole.binary_search(&value).is_ok();
                tally.count(integers, first_row, |value| !known(value), values);
            }
            (Predicate::Numbers { doubles, .. }, Values::Numbers(numbers)) => {
                // Zeros without a sign, as in the set.
                let known = |value: f64| {
                    doubles.binary_search_by(|known| known.total_cmp(&(value + 0.0))).is_ok()
                };
                tally.count(numbers, first_row, |value| !known(value), values);
            }
            (Predicate::Matches(pattern), Values::Texts(texts)) => {
                tally.count(texts, first_row, |text| !pattern.is_match(text), values);
            }
            (Predicate::Length { low, high }, Values::Texts(texts)) => {
                let fails = |text: &str| {
                    let length = text.chars().count();
                    length < *low || length > *high
                };
                tally.count(texts, first_row, fails, values);
            }
            (predicate, values) => return Err(wrong_type(predicate.wants(), values)),
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
    }

    pub(super) fn outcome(&self, mostly: f64) -> Outcome {
        self.tally.outcome(mostly)
    }
}

impl Predicate {
    fn of_set(values: &[SetValue]) -> Self {
        // A suite's sets are of one kind.
        match values.first() {
            Some(SetValue::Boolean(_)) => Self::Booleans {
                r#true: values.contains(&SetValue::Boolean(true)),
                r#false: values.contains(&SetValue::Boolean(false)),
            },
            Some(SetValue::Integer(_) | SetValue::Number(_)) => {
                let (mut whole, mut doubles) = (Vec::new(), Vec::new());
                for value in values {
                    match value {
                        SetValue::Integer(value) => {
                            whole.push(*value);
                            // A double can be this number only if there is one.
                            if (*value as f64) as i128 == i128::from(*value) {
                                doubles.push(*value as f64);
                            }
                        }
                        SetValue::Number(value) => {
                            doubles.push(value + 0.0);
                            if value.fract() == 0.0
                                && let Ok(value) = i64::try_from(*value as i128)
                            {
                                whole.push(value);
                            }
                        }
                        SetValue::Boolean(_) | SetValue::Text(_) => {}
                    }
                }
                whole.sort_unstable();
                doubles.sort_unstable_by(f64::total_cmp);
                Self::Numbers { whole, doubles }
            }
            _ => Self::Texts(
                values
                    .iter()
                    .filter_map(|value| match value {
                        SetValue::Text(text) => Some(Box::from(text.as_str())),
                        _ => None,
                    })
                    .collect(),
            ),
        }
    }

    fn of_length(range: &Range) -> Self {
        let (low, high) = range.integers();
        let end = |end: i64| usize::try_from(end.max(0)).unwrap_or(usize::MAX);
        Self::Length { low: end(low), high: end(high) }
    }

    fn wants(&self) -> &'static str {
        match self {
            Self::NotNull => "any column",
            Self::Finite | Self::Numbers { .. } | Self::Between { of_times: false, .. } => {
                "numbers"
            }
            Self::Between { of_times: true, .. } => "times",
            Self::Texts(_) | Self::Matches(_) | Self::Length { .. } => "texts",
            Self::Booleans { .. } => "booleans",
        }
    }
}

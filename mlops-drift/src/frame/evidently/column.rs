//! [`EvidentlyType`], and a column of both data sets as the methods take it.

use std::collections::{BTreeMap, HashSet};

use mlops_core::Result;
use polars::prelude::{Column, DataType};
use serde::{Deserialize, Serialize};

use crate::{
    frame::values::{numbers, texts},
    stats::sorted,
};

/// What Evidently takes a column for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EvidentlyType {
    /// Floats, integers with nulls, and integers of more than 10 values.
    Numerical,
    /// Integers of at most 10 values, booleans, categoricals, and strings that repeat themselves.
    Categorical,
    /// Strings of which more than half are different.
    Text,
}

/// Integers of at most so many different values are categories.
const INTEGER_CARDINALITY_LIMIT: usize = 10;

/// The type of a column of the current data; `None` if it is of one that is not looked at.
///
/// It is what pandas makes of the column that counts: integers with nulls are floats there, booleans with nulls
/// objects.
pub(super) fn column_type(column: &Column) -> Result<Option<EvidentlyType>> {
    let has_nulls = column.null_count() > 0;
    Ok(match column.dtype() {
        DataType::Float32 | DataType::Float64 => Some(EvidentlyType::Numerical),
        integer if integer.is_signed_integer() => {
            let mut different = HashSet::new();
            numbers(column, |values| {
                for value in values {
                    if different.len() <= INTEGER_CARDINALITY_LIMIT {
                        different.insert(value.to_bits());
                    }
                }
            })?;
            let few = different.len() <= INTEGER_CARDINALITY_LIMIT && !has_nulls;
            Some(if few { EvidentlyType::Categorical } else { EvidentlyType::Numerical })
        }
        DataType::Boolean => (!has_nulls).then_some(EvidentlyType::Categorical),
        DataType::Categorical(..) | DataType::Enum(..) => Some(EvidentlyType::Categorical),
        DataType::String => {
            let mut different = HashSet::new();
            let mut count = 0_usize;
            texts(column, |text| {
                count += 1;
                if !different.contains(text) {
                    different.insert(text.to_owned());
                }
            })?;
            // A column of nulls is not of strings in pandas.
            (count > 0).then_some(if 2 * different.len() > count {
                EvidentlyType::Text
            } else {
                EvidentlyType::Categorical
            })
        }
        _ => None,
    })
}

/// Both sides of a column, without nulls and values that are not finite.
pub(super) struct Both {
    /// How many rows each has left.
    pub(super) rows: [u64; 2],
    /// Rows of each different value on both sides, in the order of the values.
    pub(super) cells: Vec<[u64; 2]>,
    /// The values in order, if they are numbers.
    pub(super) numbers: Option<[Vec<f64>; 2]>,
    /// True for whole numbers on both sides.
    pub(super) is_integer: bool,
}

impl Both {
    /// `None` if one side has texts and the other numbers.
    pub(super) fn new(reference: &Column, current: &Column) -> Result<Option<Self>> {
        let sides = [reference, current];
        let is_text = |column: &Column| {
            let data_type = column.dtype();
            data_type.is_string() || data_type.is_categorical() || data_type.is_enum()
        };
        if is_text(reference) != is_text(current) {
            return Ok(None);
        }
        if is_text(reference) {
            let mut counts: BTreeMap<String, [u64; 2]> = BTreeMap::new();
            for (side, column) in sides.into_iter().enumerate() {
                texts(column, |text| match counts.get_mut(text) {
                    Some(cell) => cell[side] += 1,
                    None => counts.entry(text.to_owned()).or_default()[side] = 1,
                })?;
            }
            let cells: Vec<[u64; 2]> = counts.into_values().collect();
            return Ok(Some(Self { rows: sums(&cells), cells, numbers: None, is_integer: false }));
        }
        let mut values = [Vec::new(), Vec::new()];
        for (column, values) in sides.into_iter().zip(&mut values) {
            let mut finite = Vec::with_capacity(column.len());
            numbers(column, |slice| {
                finite.extend(slice.iter().filter(|value| value.is_finite()));
            })?;
            *values = sorted(finite);
        }
        let whole = |column: &Column| column.dtype().is_integer() && column.null_count() == 0;
        let cells = cells(&values);
        let is_integer = sides.into_iter().all(whole);
        Ok(Some(Self { rows: sums(&cells), cells, numbers: Some(values), is_integer }))
    }

    /// Different values on both sides together.
    pub(super) fn values(&self) -> usize {
        self.cells.len()
    }
}

fn sums(cells: &[[u64; 2]]) -> [u64; 2] {
    [0, 1].map(|side| cells.iter().map(|cell| cell[side]).sum())
}

/// Rows of each value of two sorted columns.
fn cells([first, second]: &[Vec<f64>; 2]) -> Vec<[u64; 2]> {
    let (mut first, mut second) = (&first[..], &second[..]);
    let mut cells = Vec::new();
    while let Some(value) = match (first.first(), second.first()) {
        (Some(a), Some(b)) => Some(a.min(*b)),
        (a, b) => a.or(b).copied(),
    } {
        let [x, y] = [&mut first, &mut second].map(|rest| {
            let rows = rest.iter().take_while(|each| **each == value).count();
            *rest = &rest[rows..];
            rows as u64
        });
        cells.push([x, y]);
    }
    cells
}

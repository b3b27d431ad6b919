//! How an [`Expectation`] is written in a file.

use std::time::Duration;

use mlops_core::{Error, Result, alert::Severity};
use serde::{Deserialize, Serialize};

use super::{
    Bound, Check, ColumnOrder, ColumnType, Comparison, Expectation, ExtraColumns, Order, Range,
    SetValue, range::End,
};

/// One flat table, whose keys depend on `expect`: what a person edits. Keys that the check has no use for
/// are refused, as unknown ones are.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Stored {
    expect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equals: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<f64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    data_type: Option<ColumnType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<SetValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<StoredOrder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<ExtraColumns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_effect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mostly: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
}

/// `order` is of a column's values, or of columns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredOrder {
    Values(Order),
    Columns(ColumnOrder),
}

impl Stored {
    /// What it is called in errors.
    pub(super) fn name(&self) -> String {
        let columns = self.column.iter().chain(self.columns.iter().flatten()).chain(&self.left);
        let columns: Vec<_> = columns.map(|name| format!("`{name}`")).collect();
        let of = if columns.is_empty() { "" } else { " of " };
        format!("`{}`{of}{}", self.expect, columns.join(", "))
    }

    fn set_range(&mut self, range: &Range) {
        match range.low {
            Some(End::Closed(bound)) => self.min = Some(bound),
            Some(End::Open(bound)) => self.above = Some(bound),
            None => {}
        }
        match range.high {
            Some(End::Closed(bound)) => self.max = Some(bound),
            Some(End::Open(bound)) => self.below = Some(bound),
            None => {}
        }
    }

    fn take_range(&mut self) -> Result<Range> {
        let end = |[closed, open]: [(&str, Option<Bound>); 2]| match (closed.1, open.1) {
            (Some(_), Some(_)) => {
                let reason = format!("`{}` and `{}` exclude each other", closed.0, open.0);
                Err(Error::invalid("range", reason))
            }
            (closed, open) => Ok(closed.map(End::Closed).or(open.map(End::Open))),
        };
        Ok(Range {
            low: end([("min", self.min.take()), ("above", self.above.take())])?,
            high: end([("max", self.max.take()), ("below", self.below.take())])?,
        })
    }

    fn take_column(&mut self) -> Result<String> {
        take("column", &mut self.column)
    }
}

fn take<T>(key: &str, value: &mut Option<T>) -> Result<T> {
    value.take().ok_or_else(|| Error::invalid("expectation", format!("it needs `{key}`")))
}

impl From<&Expectation> for Stored {
    fn from(expectation: &Expectation) -> Self {
        let of = |expect: &str| Self { expect: expect.to_owned(), ..Self::default() };
        let on =
            |expect: &str, column: &String| Self { column: Some(column.clone()), ..of(expect) };
        let in_range = |mut stored: Self, range: &Range| {
            stored.set_range(range);
            stored
        };
        let stored = match &expectation.check {
            Check::Type { column, data_type } => {
                Self { data_type: Some(*data_type), ..on("type", column) }
            }
            Check::NotNull { column } => on("not_null", column),
            Check::Finite { column } => on("finite", column),
            Check::Between { column, range } => in_range(on("between", column), range),
            Check::InSet { column, values } => {
                Self { values: Some(values.clone()), ..on("in_set", column) }
            }
            Check::Matches { column, pattern } => {
                Self { pattern: Some(pattern.clone()), ..on("matches", column) }
            }
            Check::Length { column, range } => in_range(on("length", column), range),
            Check::Ordered { column, order } => {
                Self { order: Some(StoredOrder::Values(*order)), ..on("ordered", column) }
            }
            Check::Unique { columns } => match &columns[..] {
                [column] => on("unique", column),
                columns => Self { columns: Some(columns.to_vec()), ..of("unique") },
            },
            Check::NoDuplicateRows => of("no_duplicate_rows"),
            Check::Compare { left, operator, right } => Self {
                left: Some(left.clone()),
                is: Some(*operator),
                right: Some(right.clone()),
                ..of("compare")
            },
            Check::Sum { columns, total, tolerance } => Self {
                columns: Some(columns.clone()),
                equals: Some(total.clone()),
                tolerance: (*tolerance != 0.0).then_some(*tolerance),
                ..of("sum")
            },
            Check::Mean { column, range } => in_range(on("mean", column), range),
            Check::StandardDeviation { column, range } => {
                in_range(on("standard_deviation", column), range)
            }
            Check::Quantile { column, probability, range } => {
                let stored = Self { probability: Some(*probability), ..on("quantile", column) };
                in_range(stored, range)
            }
            Check::Distinct { column, range } => in_range(on("distinct", column), range),
            Check::Distribution { column, alpha, min_effect } => Self {
                alpha: Some(*alpha),
                min_effect: Some(*min_effect),
                ..on("distribution", column)
            },
            Check::Fresh { column, max_age } => {
                Self { max_age_seconds: Some(max_age.as_secs()), ..on("fresh", column) }
            }
            Check::RowCount { range } => in_range(of("row_count"), range),
            Check::Columns { names, extra, order } => Self {
                columns: Some(names.clone()),
                extra: Some(*extra).filter(|extra| *extra != ExtraColumns::default()),
                order: Some(*order)
                    .filter(|order| *order != ColumnOrder::default())
                    .map(StoredOrder::Columns),
                ..of("columns")
            },
        };
        Self {
            mostly: (expectation.mostly != 1.0).then_some(expectation.mostly),
            severity: Some(expectation.severity).filter(|s| *s != Severity::Critical),
            ..stored
        }
    }
}

impl From<Expectation> for Stored {
    fn from(expectation: Expectation) -> Self {
        Self::from(&expectation)
    }
}

impl TryFrom<Stored> for Expectation {
    type Error = Error;

    fn try_from(mut stored: Stored) -> Result<Self> {
        let invalid = |reason: String| Error::invalid("expectation", reason);
        let expect = std::mem::take(&mut stored.expect);
        let severity = stored.severity.take().unwrap_or(Severity::Critical);
        let mostly = stored.mostly.take();
        let check = match expect.as_str() {
            "type" => Check::Type {
                column: stored.take_column()?,
                data_type: take("type", &mut stored.data_type)?,
            },
            "not_null" => Check::NotNull { column: stored.take_column()? },
            "finite" => Check::Finite { column: stored.take_column()? },
            "between" => {
                Check::Between { column: stored.take_column()?, range: stored.take_range()? }
            }
            "in_set" => Check::InSet {
                column: stored.take_column()?,
                values: take("values", &mut stored.values)?,
            },
            "matches" => Check::Matches {
                column: stored.take_column()?,
                pattern: take("pattern", &mut stored.pattern)?,
            },
            "length" => {
                Check::Length { column: stored.take_column()?, range: stored.take_range()? }
            }
            "ordered" => Check::Ordered {
                column: stored.take_column()?,
                order: match take("order", &mut stored.order)? {
                    StoredOrder::Values(order) => order,
                    StoredOrder::Columns(_) => {
                        return Err(invalid("`order` is not one of values".to_owned()));
                    }
                },
            },
            "unique" => Check::Unique {
                columns: match (stored.column.take(), stored.columns.take()) {
                    (Some(column), None) => vec![column],
                    (None, Some(columns)) => columns,
                    _ => return Err(invalid("it needs `column` or `columns`".to_owned())),
                },
            },
            "no_duplicate_rows" => Check::NoDuplicateRows,
            "compare" => Check::Compare {
                left: take("left", &mut stored.left)?,
                operator: take("is", &mut stored.is)?,
                right: take("right", &mut stored.right)?,
            },
            "sum" => Check::Sum {
                columns: take("columns", &mut stored.columns)?,
                total: take("equals", &mut stored.equals)?,
                tolerance: stored.tolerance.take().unwrap_or(0.0),
            },
            "mean" => Check::Mean { column: stored.take_column()?, range: stored.take_range()? },
            "standard_deviation" => Check::StandardDeviation {
                column: stored.take_column()?,
                range: stored.take_range()?,
            },
            "quantile" => Check::Quantile {
                column: stored.take_column()?,
                probability: take("probability", &mut stored.probability)?,
                range: stored.take_range()?,
            },
            "distinct" => {
                Check::Distinct { column: stored.take_column()?, range: stored.take_range()? }
            }
            "distribution" => Check::Distribution {
                column: stored.take_column()?,
                alpha: take("alpha", &mut stored.alpha)?,
                min_effect: take("min_effect", &mut stored.min_effect)?,
            },
            "fresh" => Check::Fresh {
                column: stored.take_column()?,
                max_age: Duration::from_secs(take("max_age_seconds", &mut stored.max_age_seconds)?),
            },
            "row_count" => Check::RowCount { range: stored.take_range()? },
            "columns" => Check::Columns {
                names: take("columns", &mut stored.columns)?,
                extra: stored.extra.take().unwrap_or_default(),
                order: match stored.order.take() {
                    None => ColumnOrder::Any,
                    Some(StoredOrder::Columns(order)) => order,
                    Some(StoredOrder::Values(_)) => {
                        return Err(invalid("`order` is not one of columns".to_owned()));
                    }
                },
            },
            "" => return Err(invalid("it needs `expect`".to_owned())),
            other => return Err(invalid(format!("`{other}` is nothing to expect"))),
        };
        if let Some(key) = stored.first_key() {
            return Err(invalid(format!("it has no use for `{key}`")));
        }
        if mostly.is_some() && !check.is_of_rows() {
            return Err(invalid("`mostly` is for checks of rows".to_owned()));
        }
        Ok(Self { check, mostly: mostly.unwrap_or(1.0), severity })
    }
}

impl Stored {
    /// A key that is still set, as it is in the file.
    fn first_key(&self) -> Option<&'static str> {
        // Every key is named here, so that a new one cannot be forgotten.
        let Self {
            expect: _,
            column,
            columns,
            left,
            is,
            right,
            equals,
            tolerance,
            data_type,
            values,
            pattern,
            order,
            extra,
            probability,
            min,
            above,
            max,
            below,
            alpha,
            min_effect,
            max_age_seconds,
            mostly,
            severity,
        } = self;
        let keys = [
            ("column", column.is_some()),
            ("columns", columns.is_some()),
            ("left", left.is_some()),
            ("is", is.is_some()),
            ("right", right.is_some()),
            ("equals", equals.is_some()),
            ("tolerance", tolerance.is_some()),
            ("type", data_type.is_some()),
            ("values", values.is_some()),
            ("pattern", pattern.is_some()),
            ("order", order.is_some()),
            ("extra", extra.is_some()),
            ("probability", probability.is_some()),
            ("min", min.is_some()),
            ("above", above.is_some()),
            ("max", max.is_some()),
            ("below", below.is_some()),
            ("alpha", alpha.is_some()),
            ("min_effect", min_effect.is_some()),
            ("max_age_seconds", max_age_seconds.is_some()),
            ("mostly", mostly.is_some()),
            ("severity", severity.is_some()),
        ];
        keys.into_iter().find(|(_, set)| *set).map(|(key, _)| key)
    }
}

//! [`Check`]: what can be expected.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ColumnType, Range};

/// What can be expected.
///
/// In a file, a check is its name under the key `expect`, beside what it needs: `between` needs `column`
/// and one or two of `min`, `above` (the end does not belong to it), `max` and `below`.
///
/// Unless it says otherwise, a check of rows leaves out rows in which a value that it looks at is null:
/// that is for [`NotNull`](Self::NotNull) to say.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Check {
    /// `type`: the column has this type, whatever batch it comes in.
    Type {
        /// The column.
        column: String,
        /// Its type.
        data_type: ColumnType,
    },
    /// `not_null`, of rows: the value is there. With `mostly`, at most `1 - mostly` of all rows are null.
    NotNull {
        /// The column.
        column: String,
    },
    /// `finite`, of rows: the number is neither NaN nor infinite.
    Finite {
        /// The column.
        column: String,
    },
    /// `between`, of rows: the number or time is in the range. NaN is in none; an infinity is in one without
    /// an end on its side.
    Between {
        /// The column.
        column: String,
        /// Where values may lie.
        range: Range,
    },
    /// `in_set`, of rows: the value is one of these, so that there are no new categories.
    InSet {
        /// The column.
        column: String,
        /// All values that there may be: all texts, all numbers, or all booleans.
        values: Vec<SetValue>,
    },
    /// `matches`, of rows: the pattern is found in the text. Write `^…$` for all of it. The syntax is that
    /// of the crate `regex`, which finds in time linear in the text. Needs the cargo feature `regex`.
    Matches {
        /// The column.
        column: String,
        /// A regular expression.
        pattern: String,
    },
    /// `length`, of rows: how many characters (Unicode scalar values) the text has.
    Length {
        /// The column.
        column: String,
        /// Of whole numbers.
        range: Range,
    },
    /// `ordered`, of rows: the value does not break the order with the one before it that is not null. NaN
    /// always does. Numbers and times only.
    Ordered {
        /// The column.
        column: String,
        /// Which order.
        order: Order,
    },
    /// `unique`, of rows: no row before it has the same values in these columns. Rows with a null in any of
    /// them are left out, as in SQL; NaN is equal to itself, and 0 to -0.
    ///
    /// The values seen are kept as 128-bit hashes, one to one for numbers, up to
    /// [`CheckerOptions::max_keys`](super::CheckerOptions::max_keys). Beyond that, those whose hashes fall
    /// under a level are kept, each with all its rows: what repeats among them is reported, and if
    /// nothing does, the verdict is `Insufficient`. A column that is `ordered` strictly is unique, in no memory.
    Unique {
        /// One or more columns; `column` in a file, if it is one.
        columns: Vec<String>,
    },
    /// `no_duplicate_rows`, of rows: no row before it has the same values in all columns. A null is equal to
    /// a null. Memory is bounded as for [`Unique`](Self::Unique).
    NoDuplicateRows,
    /// `compare`, of rows: two columns are in this relation. NaN is in none, but `!=`. Numbers compare
    /// exactly, whole or not.
    Compare {
        /// The column on the left.
        left: String,
        /// The relation: `is` in a file.
        operator: Comparison,
        /// The column on the right.
        right: String,
    },
    /// `sum`, of rows: numbers add up to another, `|Σ columns - total| ≤ tolerance`. Exact if all are whole
    /// numbers; otherwise added up as doubles, in the order given.
    Sum {
        /// What is added up.
        columns: Vec<String>,
        /// The column that has the sum: `equals` in a file.
        total: String,
        /// How far it may be off.
        tolerance: f64,
    },
    /// `mean`: the arithmetic mean of the numbers, nulls left out, is in the range.
    Mean {
        /// The column.
        column: String,
        /// Where it may lie.
        range: Range,
    },
    /// `standard_deviation`: `√(Σ (x - mean)² / (n - 1))` is in the range.
    StandardDeviation {
        /// The column.
        column: String,
        /// Where it may lie.
        range: Range,
    },
    /// `quantile`: the least value that a share of at least `probability` of all values does not exceed is
    /// in the range (definition 1 of Hyndman and Fan 1996). Exact, from how many values are below and in
    /// the range: these are all that is kept. Refused at NaN, which has no place in the order.
    Quantile {
        /// The column.
        column: String,
        /// Between 0 and 1.
        probability: f64,
        /// Where it may lie.
        range: Range,
    },
    /// `distinct`: how many different values there are, nulls left out, is in the range. Exact up to
    /// [`CheckerOptions::max_keys`](super::CheckerOptions::max_keys); beyond that only an upper end under
    /// that limit is judged, and anything else `Insufficient`, with an estimate.
    Distinct {
        /// The column.
        column: String,
        /// Of whole numbers.
        range: Range,
    },
    /// `distribution`: values come from the distribution of the reference. They do not if a test's p-value is
    /// at most `alpha` **and** the effect is at least `min_effect`. Numbers are tested by Kolmogorov and
    /// Smirnov, with its statistic as the effect; categories by chi-square, with
    /// [`balanced_cramers_v`](crate::stats::counts::balanced_cramers_v).
    ///
    /// The reference is the feature of the column's name in the profile that the checker was
    /// [given](super::Checker::with_reference). Nulls, NaN and infinities are no part of it: other checks are
    /// about them. The verdict is `Insufficient` while samples of these sizes that share nothing would have a
    /// p-value above `alpha`.
    Distribution {
        /// The column.
        column: String,
        /// The false alarms that are accepted, among tests of data that did not change.
        alpha: f64,
        /// The least effect that matters, from 0 to 1.
        min_effect: f64,
    },
    /// `fresh`: the newest time is at most this old when the report is made, and not in the future.
    Fresh {
        /// The column.
        column: String,
        /// `max_age_seconds` in a file, whole.
        max_age: Duration,
    },
    /// `row_count`: how many rows there are.
    RowCount {
        /// Of whole numbers.
        range: Range,
    },
    /// `columns`: every batch has these columns.
    Columns {
        /// Their names.
        names: Vec<String>,
        /// Whether there may be others.
        extra: ExtraColumns,
        /// Whether those that are expected must come in this order.
        order: ColumnOrder,
    },
}

/// A value that a set has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum SetValue {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// The order of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each at least the one before it.
    Increasing,
    /// Each above the one before it.
    StrictlyIncreasing,
    /// Each at most the one before it.
    Decreasing,
    /// Each below the one before it.
    StrictlyDecreasing,
}

/// How two columns compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
    /// `>=`
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// `>`
    #[serde(rename = ">")]
    Greater,
}

/// Whether there may be columns that are not named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtraColumns {
    /// There may.
    #[default]
    Allow,
    /// There may not.
    Forbid,
}

/// Whether columns come in an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnOrder {
    /// In any.
    #[default]
    Any,
    /// In the order of their names here.
    Same,
}

impl Check {
    /// [`Check::Between`].
    pub fn between(column: impl Into<String>, range: Range) -> Self {
        Self::Between { column: column.into(), range }
    }

    /// [`Check::NotNull`].
    pub fn not_null(column: impl Into<String>) -> Self {
        Self::NotNull { column: column.into() }
    }

    /// [`Check::Unique`] of one column.
    pub fn unique(column: impl Into<String>) -> Self {
        Self::Unique { columns: vec![column.into()] }
    }

    /// [`Check::InSet`] of texts.
    pub fn in_set<T: Into<String>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(|value| SetValue::Text(value.into())).collect();
        Self::InSet { column: column.into(), values }
    }

    /// The columns that it looks at, by name; none if it is about all of them.
    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            Self::Type { column, .. }
            | Self::NotNull { column }
            | Self::Finite { column }
            | Self::Between { column, .. }
            | Self::InSet { column, .. }
            | Self::Matches { column, .. }
            | Self::Length { column, .. }
            | Self::Ordered { column, .. }
            | Self::Mean { column, .. }
            | Self::StandardDeviation { column, .. }
            | Self::Quantile { column, .. }
            | Self::Distinct { column, .. }
            | Self::Distribution { column, .. }
            | Self::Fresh { column, .. } => vec![column],
            Self::Unique { columns } => columns.iter().map(String::as_str).collect(),
            Self::Compare { left, right, .. } => vec![left, right],
            Self::Sum { columns, total, .. } => {
                columns.iter().chain([total]).map(String::as_str).collect()
            }
            Self::NoDuplicateRows | Self::RowCount { .. } | Self::Columns { .. } => Vec::new(),
        }
    }

    /// True if each row passes or fails, so that [`mostly`](super::Expectation::mostly) says how many must pass.
    #[must_use]
    pub fn is_of_rows(&self) -> bool {
        match self {
            Self::NotNull { .. }
            | Self::Finite { .. }
            | Self::Between { .. }
            | Self::InSet { .. }
            | Self::Matches { .. }
            | Self::Length { .. }
            | Self::Ordered { .. }
            | Self::Unique { .. }
            | Self::NoDuplicateRows
            | Self::Compare { .. }
            | Self::Sum { .. } => true,
            Self::Type { .. }
            | Self::Mean { .. }
            | Self::StandardDeviation { .. }
            | Self::Quantile { .. }
            | Self::Distinct { .. }
            | Self::Distribution { .. }
            | Self::Fresh { .. }
            | Self::RowCount { .. }
            | Self::Columns { .. } => false,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Members of a set that are shown.
        const SHOWN: usize = 8;
        match self {
            Self::Type { column, data_type } => write!(f, "`{column}` is of type {data_type}"),
            Self::NotNull { column } => write!(f, "`{column}` is not null"),
            Self::Finite { column } => write!(f, "`{column}` is finite"),
            Self::Between { column, range } => write!(f, "`{column}` is in {range}"),
            Self::InSet { column, values } => {
                let shown: Vec<_> = values.iter().take(SHOWN).map(ToString::to_string).collect();
                let more = if values.len() > SHOWN { ", …" } else { "" };
                write!(f, "`{column}` is one of {}{more}", shown.join(", "))
            }
            Self::Matches { column, pattern } => write!(f, "`{column}` matches {pattern:?}"),
            Self::Length { column, range } => write!(f, "the length of `{column}` is in {range}"),
            Self::Ordered { column, order } => write!(f, "`{column}` is {order}"),
            Self::Unique { columns } => match &columns[..] {
                [column] => write!(f, "`{column}` is unique"),
                columns => write!(f, "{} are unique together", quoted(columns)),
            },
            Self::NoDuplicateRows => f.write_str("no row is there twice"),
            Self::Compare { left, operator, right } => {
                write!(f, "`{left}` {operator} `{right}`")
            }
            Self::Sum { columns, total, tolerance } => {
                write!(f, "{} add up to `{total}`", quoted(columns))?;
                if *tolerance > 0.0 { write!(f, " within {tolerance}") } else { Ok(()) }
            }
            Self::Mean { column, range } => write!(f, "the mean of `{column}` is in {range}"),
            Self::StandardDeviation { column, range } => {
                write!(f, "the standard deviation of `{column}` is in {range}")
            }
            Self::Quantile { column, probability, range } => {
                write!(f, "the {probability} quantile of `{column}` is in {range}")
            }
            Self::Distinct { column, range } => {
                write!(f, "the number of different values of `{column}` is in {range}")
            }
            Self::Distribution { column, alpha, min_effect } => {
                let (a, e) = (alpha, min_effect);
                write!(f, "`{column}` is distributed as the reference (p > {a} or effect < {e})")
            }
            Self::Fresh { column, max_age } => {
                write!(f, "the newest `{column}` is at most {max_age:?} old")
            }
            Self::RowCount { range } => write!(f, "the number of rows is in {range}"),
            Self::Columns { names, extra, order } => {
                write!(f, "there are the columns {}", quoted(names))?;
                if *extra == ExtraColumns::Forbid {
                    f.write_str(", and no others")?;
                }
                if *order == ColumnOrder::Same { f.write_str(", in this order") } else { Ok(()) }
            }
        }
    }
}

/// Names, each in quotes.
pub(super) fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl fmt::Display for SetValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Increasing => "increasing",
            Self::StrictlyIncreasing => "strictly increasing",
            Self::Decreasing => "decreasing",
            Self::StrictlyDecreasing => "strictly decreasing",
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        })
    }
}

//! [`Batch`]: rows to look at, column by column.

use std::fmt;

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

/// Some rows of a data set, as named columns of equal length. It borrows everything and copies nothing;
/// a row of live traffic is a batch of one.
///
/// ```
/// use mlops_drift::quality::{Batch, Values};
///
/// # fn main() -> mlops_core::Result<()> {
/// let columns = [
///     ("age", Values::Integers(&[Some(31), None])),
///     ("plan", Values::Texts(&[Some("free"), Some("pro")])),
/// ];
/// assert_eq!(Batch::new(&columns)?.rows(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    columns: &'a [(&'a str, Values<'a>)],
    rows: usize,
    first_row: Option<u64>,
}

/// The values of a column, one for each row; `None` is a null.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Values<'a> {
    /// Whole numbers.
    Integers(&'a [Option<i64>]),
    /// Numbers. NaN and the infinities are values, not nulls.
    Numbers(&'a [Option<f64>]),
    /// Texts.
    Texts(&'a [Option<&'a str>]),
    /// True or false.
    Booleans(&'a [Option<bool>]),
    /// Points in time.
    Times(&'a [Option<Timestamp>]),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnType {
    /// [`Values::Integers`].
    Integer,
    /// [`Values::Numbers`].
    Number,
    /// [`Values::Texts`].
    Text,
    /// [`Values::Booleans`].
    Boolean,
    /// [`Values::Times`].
    Time,
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Time => "time",
        })
    }
}

impl<'a> Batch<'a> {
    /// These columns, in this order. Without columns there are no rows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the column, for one that is shorter or longer than the first,
    /// and for a name that is empty or used twice.
    pub fn new(columns: &'a [(&'a str, Values<'a>)]) -> Result<Self> {
        let rows = columns.first().map_or(0, |(_, values)| values.len());
        for (index, (name, values)) in columns.iter().enumerate() {
            if name.is_empty() {
                return Err(Error::invalid("batch", format!("column {index} has no name")));
            }
            if columns[..index].iter().any(|(before, _)| before == name) {
                return Err(Error::invalid("batch", format!("`{name}` is given twice")));
            }
            if values.len() != rows {
                let first = columns[0].0;
                let reason =
                    format!("`{name}` has {} rows, where `{first}` has {rows}", values.len());
                return Err(Error::invalid("batch", reason));
            }
        }
        Ok(Self { columns, rows, first_row: None })
    }

    /// Says which row of the data set the first one is. Without it, a batch follows the one before it.
    #[must_use]
    pub fn starting_at(mut self, row: u64) -> Self {
        self.first_row = Some(row);
        self
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Which row of the data set the first one is, if that was said.
    #[must_use]
    pub fn first_row(&self) -> Option<u64> {
        self.first_row
    }

    /// The columns, in their order.
    #[must_use]
    pub fn columns(&self) -> &'a [(&'a str, Values<'a>)] {
        self.columns
    }

    /// The column of this name, looked for where it was the last time first.
    pub(super) fn column(&self, name: &str, place: &mut usize) -> Option<Values<'a>> {
        if self.columns.get(*place).is_none_or(|(known, _)| *known != name) {
            *place = self.columns.iter().position(|(known, _)| *known == name)?;
        }
        Some(self.columns[*place].1)
    }
}

impl Values<'_> {
    /// Number of rows, null or not.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Booleans(values) => values.len(),
            Self::Times(values) => values.len(),
        }
    }

    /// True if there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it holds.
    #[must_use]
    pub fn data_type(&self) -> ColumnType {
        match self {
            Self::Integers(_) => ColumnType::Integer,
            Self::Numbers(_) => ColumnType::Number,
            Self::Texts(_) => ColumnType::Text,
            Self::Booleans(_) => ColumnType::Boolean,
            Self::Times(_) => ColumnType::Time,
        }
    }

    /// A value as people read it. Long texts are cut.
    pub(super) fn show(&self, row: usize) -> String {
        /// Characters of a text that are shown.
        const SHOWN: usize = 64;
        let shown = match self {
            Self::Integers(values) => values[row].map(|value| value.to_string()),
            Self::Numbers(values) => values[row].map(|value| format!("{value:?}")),
            Self::Booleans(values) => values[row].map(|value| value.to_string()),
            Self::Times(values) => values[row].map(|value| value.to_string()),
            Self::Texts(values) => values[row].map(|text| match text.char_indices().nth(SHOWN) {
                Some((end, _)) => format!("{:?}…", &text[..end]),
                None => format!("{text:?}"),
            }),
        };
        shown.unwrap_or_else(|| "null".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_are_refused_by_name() {
        let two = Values::Integers(&[Some(1), None]);
        let one = Values::Texts(&[Some("a")]);
        for (columns, reason) in [
            (&[("a", two), ("b", one)][..], "`b` has 1 rows, where `a` has 2"),
            (&[("a", two), ("a", two)], "`a` is given twice"),
            (&[("a", two), ("", two)], "column 1 has no name"),
        ] {
            let error = Batch::new(columns).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid batch: {reason}"));
        }
        assert_eq!(Batch::new(&[]).unwrap().rows(), 0);
    }

    #[test]
    fn values_are_shown_as_they_are() {
        let long = "ä".repeat(100);
        for (values, shown) in [
            (Values::Integers(&[None]), "null".to_owned()),
            (Values::Integers(&[Some(i64::MIN)]), "-9223372036854775808".to_owned()),
            (Values::Numbers(&[Some(1.0)]), "1.0".to_owned()),
            (Values::Numbers(&[Some(f64::NAN)]), "NaN".to_owned()),
            (Values::Texts(&[Some("a\n")]), "\"a\\n\"".to_owned()),
            (Values::Texts(&[Some(&long)]), format!("\"{}\"…", "ä".repeat(64))),
            (Values::Booleans(&[Some(true)]), "true".to_owned()),
            (Values::Times(&[Some(Timestamp::EPOCH)]), "1970-01-01T00:00:00.000000Z".to_owned()),
        ] {
            assert_eq!(values.show(0), shown);
        }
    }
}

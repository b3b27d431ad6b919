//! [`ColumnSchema`]: what one column holds.

use mlops_core::{Error, Result, alert::Severity};
use serde::{Deserialize, Serialize};

use crate::quality::{Bound, Check, ColumnType, Expectation, Order, Range};

/// What one column holds. What is `None` or false is not expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ColumnSchema {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: ColumnType,
    /// The share of rows that may be null; 0 for none, 1 for all.
    #[serde(default)]
    pub max_null_share: f64,
    /// The share of numbers that may be NaN or infinite, of those that are not null.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub max_not_finite_share: f64,
    /// The least value: of a number or a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// The greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// The fewest characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// The most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// All values of a text, if they are few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// True if no value is there twice.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// The order of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl ColumnSchema {
    /// A column of which no more is known; nulls are allowed.
    pub fn new(name: impl Into<String>, data_type: ColumnType) -> Self {
        Self {
            name: name.into(),
            data_type,
            max_null_share: 1.0,
            max_not_finite_share: 0.0,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            categories: None,
            unique: false,
            order: None,
        }
    }

    /// # Errors
    /// [`Error::InvalidArgument`] for what contradicts itself or does not suit the type.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("schema", reason));
        let Self { data_type, .. } = self;
        if self.name.is_empty() {
            return invalid("it has no name".to_owned());
        }
        for (key, share) in [
            ("max_null_share", self.max_null_share),
            ("max_not_finite_share", self.max_not_finite_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return invalid(format!("`{key}` is {share}, not from 0 to 1"));
            }
        }
        if let Some(range) = self.range() {
            range.check()?;
            let of_times = match data_type {
                ColumnType::Integer | ColumnType::Number => false,
                ColumnType::Time => true,
                ColumnType::Text | ColumnType::Boolean => {
                    return invalid(format!("a column of type {data_type} has no `min` or `max`"));
                }
            };
            if range.is_of_times() != of_times {
                return invalid(format!("{range} is not of type {data_type}"));
            }
        }
        let of_text = [
            ("min_length", self.min_length.is_some()),
            ("max_length", self.max_length.is_some()),
            ("categories", self.categories.is_some()),
        ];
        if let Some((key, _)) = of_text.into_iter().find(|(_, set)| *set)
            && *data_type != ColumnType::Text
        {
            return invalid(format!("a column of type {data_type} has no `{key}`"));
        }
        if let (Some(min), Some(max)) = (self.min_length, self.max_length)
            && min > max
        {
            return invalid(format!("`min_length`, {min}, is above `max_length`, {max}"));
        }
        if self.categories.as_ref().is_some_and(Vec::is_empty) {
            return invalid("`categories` is empty".to_owned());
        }
        if self.order.is_some() && matches!(data_type, ColumnType::Text | ColumnType::Boolean) {
            return invalid(format!("a column of type {data_type} has no `order`"));
        }
        Ok(())
    }

    fn range(&self) -> Option<Range> {
        let range = match (self.min, self.max) {
            (None, None) => return None,
            (None, Some(max)) => return Some(Range::at_most(max)),
            (Some(min), None) => Range::at_least(min),
            (Some(min), Some(max)) => Range::at_least(min).and_at_most(max),
        };
        Some(range)
    }

    /// Adds what is expected of it.
    pub(super) fn expectations(&self, expectations: &mut Vec<Expectation>) {
        let column = || self.name.clone();
        let mut expect = |check, share_failing: f64, severity| {
            // All may fail: nothing is expected.
            if share_failing < 1.0 {
                let expectation = Expectation::new(check).with_mostly(1.0 - share_failing);
                expectations.push(expectation.with_severity(severity));
            }
        };
        use Severity::{Critical, Warning};
        expect(Check::Type { column: column(), data_type: self.data_type }, 0.0, Critical);
        let nulls = if self.max_null_share > 0.0 { Warning } else { Critical };
        expect(Check::NotNull { column: column() }, self.max_null_share, nulls);
        let not_finite = self.max_not_finite_share;
        if self.data_type == ColumnType::Number {
            expect(Check::Finite { column: column() }, not_finite, Warning);
        }
        if let Some(range) = self.range() {
            // What is not finite is in no range.
            expect(Check::Between { column: column(), range }, not_finite, Warning);
        }
        let length = match (self.min_length, self.max_length) {
            (None, None) => None,
            (None, Some(max)) => Some(Range::at_most(i64::from(max))),
            (Some(min), None) => Some(Range::at_least(i64::from(min))),
            (Some(min), Some(max)) => {
                Some(Range::at_least(i64::from(min)).and_at_most(i64::from(max)))
            }
        };
        if let Some(range) = length {
            expect(Check::Length { column: column(), range }, 0.0, Warning);
        }
        if let Some(categories) = &self.categories {
            expect(Check::in_set(column(), categories), 0.0, Warning);
        }
        if self.unique {
            expect(Check::unique(column()), 0.0, Critical);
        }
        if let Some(order) = self.order {
            expect(Check::Ordered { column: column(), order }, 0.0, Critical);
        }
    }
}

/// The same error, with the column's name in front.
pub(super) fn about(name: &str, error: &Error) -> Error {
    match error {
        Error::InvalidArgument { reason, .. } => {
            Error::invalid("schema", format!("column `{name}`: {reason}"))
        }
        other => other.clone(),
    }
}

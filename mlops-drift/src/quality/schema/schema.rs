//! [`Schema`]: columns, and what they hold.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{ColumnSchema, SchemaAnomaly, column};
use crate::quality::{
    Check, ColumnOrder, Expectation, ExtraColumns, Suite,
    suite::{Version, check_version},
};

const FORMAT_VERSION: u32 = 1;

/// The columns of a data set, in order, and what they hold: shorter to read and edit than the
/// [suite](Self::to_suite) that it becomes.
///
/// ```
/// use mlops_drift::quality::{Batch, SchemaBuilder, SchemaOptions, Values};
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut builder = SchemaBuilder::new(&SchemaOptions::default())?;
/// builder.observe(&Batch::new(&[
///     ("id", Values::Integers(&[Some(1), Some(2), Some(3), Some(4)])),
///     ("plan", Values::Texts(&[Some("free"), Some("pro"), Some("free"), Some("free")])),
/// ])?)?;
/// let schema = builder.finish()?;
/// assert_eq!(schema.columns[1].categories.as_deref(), Some(&["free".into(), "pro".into()][..]));
/// let suite = schema.to_suite("customers")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
#[non_exhaustive]
pub struct Schema {
    /// The columns, in order; each has a name of its own.
    pub columns: Vec<ColumnSchema>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format_version: u32,
    #[serde(default)]
    columns: Vec<ColumnSchema>,
}

impl Schema {
    /// What differs in another schema: columns that it lacks, others of another type, and new ones; first in
    /// the order of this schema, then of the other.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Vec<SchemaAnomaly> {
        let find = |schema: &'_ Self, name: &str| {
            schema.columns.iter().find(|column| column.name == name).map(|column| column.data_type)
        };
        let gone = self.columns.iter().filter_map(|ColumnSchema { name, data_type, .. }| {
            let column = name.clone();
            match find(other, name) {
                None => Some(SchemaAnomaly::MissingColumn { column }),
                Some(to) if to != *data_type => {
                    Some(SchemaAnomaly::ChangedType { column, from: *data_type, to })
                }
                Some(_) => None,
            }
        });
        let new = other.columns.iter().filter(|column| find(self, &column.name).is_none());
        let new = new.map(|ColumnSchema { name, data_type, .. }| SchemaAnomaly::NewColumn {
            column: name.clone(),
            data_type: *data_type,
        });
        gone.chain(new).collect()
    }

    /// What data of this schema is expected to be: critical are its columns and their types, keys and nulls
    /// where there were none; warnings are values beyond what was seen.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the column, for what contradicts itself or does not suit the
    /// column's type; a suite without columns is empty.
    pub fn to_suite(&self, name: impl Into<String>) -> Result<Suite> {
        self.check()?;
        let mut expectations = Vec::new();
        if !self.columns.is_empty() {
            expectations.push(Expectation::new(Check::Columns {
                names: self.columns.iter().map(|column| column.name.clone()).collect(),
                extra: ExtraColumns::Forbid,
                order: ColumnOrder::Any,
            }));
        }
        for column in &self.columns {
            column.expectations(&mut expectations);
        }
        Suite::new(name, expectations)
    }

    fn check(&self) -> Result<()> {
        for (index, column) in self.columns.iter().enumerate() {
            if self.columns[..index].iter().any(|before| before.name == column.name) {
                let reason = format!("column `{}` is there twice", column.name);
                return Err(Error::invalid("schema", reason));
            }
            column.check().map_err(|error| column::about(&column.name, &error))?;
        }
        Ok(())
    }

    /// Reads a schema from JSON.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] that names the place, for what is not a schema, an unknown key or a
    /// contradiction; [`Error::Unsupported`] for a file of another format version.
    pub fn from_json(json: &str) -> Result<Self> {
        check_version(serde_json::from_str::<Version>(json).map_err(not_a_schema)?)?;
        serde_json::from_str::<Stored>(json).map_err(not_a_schema)?.try_into()
    }

    /// The schema as JSON, indented.
    ///
    /// # Errors
    /// None that is known: every number in an inferred schema is finite.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::backend("json", error))
    }

    /// Reads a schema from TOML.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    #[cfg(feature = "toml")]
    pub fn from_toml(toml: &str) -> Result<Self> {
        check_version(toml::from_str::<Version>(toml).map_err(not_a_schema)?)?;
        toml::from_str::<Stored>(toml).map_err(not_a_schema)?.try_into()
    }

    /// The schema as TOML.
    ///
    /// # Errors
    /// None that is known.
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::backend("toml", error))
    }
}

fn not_a_schema(error: impl std::fmt::Display) -> Error {
    Error::invalid("schema", error.to_string().trim_end())
}

impl From<Schema> for Stored {
    fn from(schema: Schema) -> Self {
        Self { format_version: FORMAT_VERSION, columns: schema.columns }
    }
}

impl TryFrom<Stored> for Schema {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        if stored.format_version != FORMAT_VERSION {
            let reason =
                format!("format version {} is not {FORMAT_VERSION}", stored.format_version);
            return Err(Error::invalid("schema", reason));
        }
        let schema = Self { columns: stored.columns };
        schema.check()?;
        Ok(schema)
    }
}

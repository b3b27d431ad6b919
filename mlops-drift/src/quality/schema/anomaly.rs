//! [`SchemaAnomaly`]: how a schema differs from another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quality::ColumnType;

/// How a schema differs from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "anomaly")]
#[non_exhaustive]
pub enum SchemaAnomaly {
    /// A column is not there any more.
    MissingColumn {
        /// Its name.
        column: String,
    },
    /// A column was not there before.
    NewColumn {
        /// Its name.
        column: String,
        /// Its type.
        data_type: ColumnType,
    },
    /// A column is of another type.
    ChangedType {
        /// Its name.
        column: String,
        /// The type that it had.
        from: ColumnType,
        /// The type that it has.
        to: ColumnType,
    },
}

impl fmt::Display for SchemaAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingColumn { column } => write!(f, "column `{column}` is missing"),
            Self::NewColumn { column, data_type } => {
                write!(f, "column `{column}` of type {data_type} is new")
            }
            Self::ChangedType { column, from, to } => {
                write!(f, "column `{column}` was of type {from} and is of type {to}")
            }
        }
    }
}

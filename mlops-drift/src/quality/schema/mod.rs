//! What a reference looked like: inferred from its rows, edited by a person, made into a suite.

mod anomaly;
mod builder;
mod column;
#[expect(clippy::module_inception, reason = "the folder's main type is in the file of its name")]
mod schema;

pub use self::{
    anomaly::SchemaAnomaly,
    builder::{SchemaBuilder, SchemaOptions},
    column::ColumnSchema,
    schema::Schema,
};

//! Data quality: what is expected of a data set, and whether it is so.
//!
//! A [`Suite`] is a list of [`Expectation`]s that a person can read and edit, as JSON or (cargo feature
//! `toml`) as TOML. A [`Checker`] sees rows in [`Batch`]es, as many as there are, in bounded memory; checkers
//! of parts of a data set [merge](Checker::merge). A [`QualityReport`] has a [`Verdict`] on each expectation.
//! Nothing passes by not having been looked at: a missing column is an error, no values are insufficient.
//!
//! A [`Schema`] is what a reference looked like: its columns, types, ranges, categories. It is
//! [inferred](SchemaBuilder) from rows, a person may edit it, and it [becomes](Schema::to_suite) a suite.
//!
//! ```
//! use mlops_core::timestamp::Timestamp;
//! use mlops_drift::quality::{
//!     Batch, Check, Checker, CheckerOptions, Expectation, Range, Suite, Values, Verdict,
//! };
//!
//! # fn main() -> mlops_core::Result<()> {
//! let ages = Check::between("age", Range::at_least(0).and_at_most(120));
//! let suite = Suite::new("customers", vec![
//!     Expectation::new(ages),
//!     Expectation::new(Check::unique("id")),
//! ])?;
//! let mut checker = Checker::new(suite, &CheckerOptions::default())?;
//! checker.observe(&Batch::new(&[
//!     ("id", Values::Integers(&[Some(1), Some(2), Some(1)])),
//!     ("age", Values::Integers(&[Some(31), None, Some(44)])),
//! ])?)?;
//! let report = checker.report(Timestamp::EPOCH);
//! assert_eq!(report.findings[0].verdict, Verdict::Passed);
//! assert_eq!(report.findings[1].verdict, Verdict::Failed);
//! assert_eq!(report.findings[1].samples[0].row, 2);
//! # Ok(())
//! # }
//! ```
//!
//! The law that it is held to: however the rows are divided into batches, and in whatever order these are
//! observed and merged, the report is the same, bit for bit.

mod batch;
mod check;
mod checker;
mod expectation;
mod pattern;
mod probe;
mod range;
mod report;
mod rfc3339;
mod row_ranges;
mod schema;
mod stored;
mod suite;

pub use self::{
    batch::{Batch, ColumnType, Values},
    check::{Check, ColumnOrder, Comparison, ExtraColumns, Order, SetValue},
    checker::{Checker, CheckerOptions},
    expectation::Expectation,
    range::{Bound, Range},
    report::{Finding, QualityReport, Sample, Verdict},
    schema::{ColumnSchema, Schema, SchemaAnomaly, SchemaBuilder, SchemaOptions},
    suite::Suite,
};

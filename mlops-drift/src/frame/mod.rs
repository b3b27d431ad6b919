//! Data frames, and scans of files larger than memory.
//!
//! [`compare()`] says what has changed between two [`LazyFrame`](polars::prelude::LazyFrame)s, by the rule of
//! [`compare`](crate::compare); [`profile()`] makes of one the reference profile that
//! [`compare_to_profile`] compares others with. [`chunks`] follow a data set through time as NannyML
//! does, and [`evidently`] answers as Evidently would. [`check_quality`] shows the rows of a frame to a
//! [`Checker`](crate::quality::Checker), and [`infer_schema`] says what is to be expected of others.
//!
//! ```
//! use mlops_core::progress::NoProgress;
//! use mlops_drift::compare::Verdict;
//! use mlops_drift::frame::{self, FrameOptions, polars::prelude::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ages: Vec<i64> = (0..2000).map(|row| 20 + row % 50).collect();
//! let older: Vec<i64> = ages.iter().map(|age| age + 10).collect();
//! let reference = df!("id" => (0..2000_i64).collect::<Vec<_>>(), "age" => ages)?.lazy();
//! let current = df!("id" => (2000..4000_i64).collect::<Vec<_>>(), "age" => older)?.lazy();
//!
//! let options = FrameOptions::default().with_exclude(["id"]);
//! let comparison = frame::compare(&reference, &current, &options, &NoProgress)?;
//! assert_eq!(comparison.feature("age").map(|age| age.verdict), Some(Verdict::Drift));
//! # Ok(())
//! # }
//! ```

pub mod chunks;
mod columns;
mod compare;
mod counter;
mod error;
pub mod evidently;
mod fit;
mod options;
mod profile;
mod quality;
mod source;
mod values;

pub use polars;

pub use self::{
    compare::{compare, compare_to_profile},
    options::FrameOptions,
    profile::profile,
    quality::{check_quality, infer_schema},
};

//! Data frames larger than memory, scored offline.
//!
//! A [`LazyFrame`](polars::prelude::LazyFrame) is what is scored: a scan of Parquet or CSV files, and
//! whatever is to be done to their columns first. It is read in chunks, asked of a model in requests, and
//! written as Parquet, row for row, in the order it came.
//!
//! ```no_run
//! use std::sync::Arc;
//! use mlops_core::inference::Predict;
//! use mlops_serve::score::frame::{FrameOptions, FrameScoring, polars::prelude::*};
//!
//! # async fn example(model: Arc<dyn Predict>) -> Result<(), Box<dyn std::error::Error>> {
//! let frame = LazyFrame::scan_parquet("customers/*.parquet".into(), Default::default())?;
//! let options = FrameOptions::default()
//!     .with_features("input", ["age", "income", "visits"])
//!     .with_keep(["customer_id"]);
//! let report = FrameScoring::new(frame, model).with_options(options).run("scores").await?;
//! println!("{} rows, {} without a score", report.rows, report.failed_rows);
//! # Ok(())
//! # }
//! ```
//!
//! # Output
//! A folder of files `part-….parquet`, to be read as `folder/*.parquet`: the columns kept, a column for
//! each output (a list where a row has several values, the last axis first), and the column `error`, which
//! is null where all went well. Where it is not, the outputs are null: the row had a null where the
//! model takes none, or the model refused it. One bad row does not disturb others.
//!
//! Each file appears whole or not at all. A run that was interrupted, by an error or by the machine, goes on
//! after the last one when it is started again. A folder that was begun with another model, other columns, a
//! frame of other operations or other local files (by size and time of change) is refused; frames in memory
//! and files elsewhere are told apart by their columns and names only, and one with `cache()` never is the same.
//! When all is done, there is a file `_SUCCESS`.

mod error;
mod folder;
mod inputs;
mod job;
mod options;
mod outputs;
mod part;
mod read;
mod write;

pub use polars;

pub use self::{
    job::{FrameReport, FrameScoring},
    options::FrameOptions,
};

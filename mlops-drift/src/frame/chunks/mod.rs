//! A data set through time, in chunks, as NannyML has them.
//!
//! Both data sets are cut into chunks in the same way, and each chunk is compared with the whole reference: by the rule
//! of [`compare`](crate::compare), and as a series of distances, whose [`threshold`](Series::threshold) is what
//! the reference's own chunks let expect. The rule says whether a chunk has drifted far enough to
//! matter; the series, whether it is further off than chunks used to be.
//!
//! ```
//! use mlops_core::progress::NoProgress;
//! use mlops_drift::frame::{FrameOptions, chunks::{ChunkBy, compare_chunks}, polars::prelude::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ages: Vec<i64> = (0..2000).map(|row| 20 + row * 7 % 50).collect();
//! let aging: Vec<i64> = (0..2000).map(|row| 20 + row * 7 % 50 + row / 100).collect();
//! let reference = df!("age" => ages)?.lazy();
//! let current = df!("age" => aging)?.lazy();
//! let options = FrameOptions::default();
//! let found = compare_chunks(&reference, &current, &ChunkBy::Size(500), &options, &NoProgress)?;
//! assert_eq!(found.chunks.len(), 4);
//! let distances = &found.series[0];
//! assert!(distances.exceeds(3) && distances.current[3] > distances.current[0]);
//! # Ok(())
//! # }
//! ```

mod compare;
mod found;
mod period;
mod split;

pub use self::{
    compare::compare_chunks,
    found::{Chunk, ChunkDistance, ChunkedComparison, Series},
    period::Period,
    split::ChunkBy,
};

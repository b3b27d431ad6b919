//! [`ChunkBy`], and which rows each chunk has.

use std::collections::BTreeMap;

use mlops_core::{Error, Result};
use polars::prelude::{Column, IdxCa, IdxSize};
use serde::{Deserialize, Serialize};

use super::Period;
use crate::frame::{columns::Family, error::polars, source::Source, values::numbers};

/// How a data set is cut into chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChunkBy {
    /// Chunks of so many rows, in the order of the rows. Rows that are left over belong to the last chunk.
    Size(u64),
    /// So many chunks of equally many rows, in the order of the rows. Rows that are left over belong to the last
    /// chunk.
    Number(u64),
    /// A chunk for each period of a column of dates or points in time that has rows, whatever order these are in.
    Period {
        /// The column; it is not compared.
        column: String,
        /// How long a chunk is.
        period: Period,
    },
}

/// The most chunks that there can be.
const MAX_CHUNKS: u64 = 4096;

/// The chunks of a data set.
pub(super) struct Split {
    /// What to call each, and how many rows it has.
    pub(super) chunks: Vec<(String, u64)>,
    /// Rows that are in no chunk, because they have no time.
    pub(super) left_out: u64,
    rows: Rows,
}

/// Which rows each chunk has.
enum Rows {
    /// So many after one another in each, and the last all that are left.
    Runs(u64),
    Each(Vec<IdxCa>),
}

impl Split {
    /// `what` is what errors call the data set.
    pub(super) fn new(what: &'static str, source: &Source, by: &ChunkBy) -> Result<Self> {
        let rows = source.rows;
        let size = match by {
            ChunkBy::Period { column, period } => {
                return Self::by_period(what, source, column, *period);
            }
            ChunkBy::Size(0) => return Err(Error::invalid("chunk size", "0 is not at least 1")),
            ChunkBy::Number(0) => return Err(Error::invalid("chunks", "0 is not at least 1")),
            ChunkBy::Size(size) => *size,
            ChunkBy::Number(number) => rows / number,
        };
        if rows == 0 || size == 0 || rows < size {
            let reason = format!("{rows} rows are not enough for the chunks that are asked for");
            return Err(Error::invalid(what, reason));
        }
        let number = check_number(what, rows / size)?;
        let chunks = (0..number)
            .map(|chunk| {
                let start = chunk * size;
                let end = if chunk + 1 == number { rows } else { start + size };
                (format!("[{start}:{}]", end - 1), end - start)
            })
            .collect();
        Ok(Self { chunks, left_out: 0, rows: Rows::Runs(size) })
    }

    fn by_period(
        what: &'static str,
        source: &Source,
        column: &str,
        period: Period,
    ) -> Result<Self> {
        let data_type = source.schema.get(column);
        match data_type.and_then(Family::of) {
            Some(Family::Date | Family::Datetime) => {}
            _ => {
                let found = data_type.map_or("missing".to_owned(), |found| format!("{found}"));
                let reason = format!("`{column}` is {found}, not a column of dates or times");
                return Err(Error::invalid(what, reason));
            }
        }
        let unit = if data_type.is_some_and(|found| found.is_date()) { 86_400.0 } else { 1.0 };
        let frame = source.collect(&[column.into()])?;
        let times = &frame.columns()[0];
        let mut seconds = Vec::with_capacity(times.len());
        let left_out = numbers(times, |times| {
            seconds.extend(times.iter().map(|time| (time * unit).floor() as i64));
        })?;
        let mut periods: BTreeMap<String, Vec<IdxSize>> = BTreeMap::new();
        // Most rows are in the hour of the one before them.
        let mut last = (None, String::new());
        let present = times.is_not_null();
        let present = present.iter().zip(0..).filter(|(is, _)| *is == Some(true));
        for (seconds, (_, row)) in seconds.into_iter().zip(present) {
            let hour = Some(seconds.div_euclid(3600));
            if last.0 != hour {
                let Some(name) = period.name(seconds) else {
                    let reason = format!("`{column}` of row {row} is not in the years 0 to 9999");
                    return Err(Error::invalid(what, reason));
                };
                last = (hour, name);
            }
            match periods.get_mut(&last.1) {
                Some(rows) => rows.push(row),
                None => {
                    check_number(what, periods.len() as u64 + 1)?;
                    periods.insert(last.1.clone(), vec![row]);
                }
            }
        }
        if periods.is_empty() {
            return Err(Error::invalid(what, format!("`{column}` has no times")));
        }
        let chunks = periods.iter().map(|(name, rows)| (name.clone(), rows.len() as u64));
        let chunks = chunks.collect();
        let rows = periods.into_values().map(|rows| IdxCa::from_vec("rows".into(), rows));
        Ok(Self { chunks, left_out, rows: Rows::Each(rows.collect()) })
    }

    /// The rows of one chunk.
    pub(super) fn column(&self, column: &Column, chunk: usize) -> Result<Column> {
        match &self.rows {
            Rows::Runs(size) => {
                let offset = i64::try_from(chunk as u64 * size).unwrap_or(i64::MAX);
                Ok(column.slice(offset, self.chunks[chunk].1 as usize))
            }
            Rows::Each(rows) => polars(|| column.take(&rows[chunk])),
        }
    }
}

fn check_number(what: &'static str, chunks: u64) -> Result<u64> {
    if chunks > MAX_CHUNKS {
        let reason = format!("{chunks} chunks are more than {MAX_CHUNKS}");
        return Err(Error::invalid(what, reason));
    }
    Ok(chunks)
}

//! [`Source`]: a data set that is read several times, some columns at a time.

use std::{num::NonZeroUsize, sync::mpsc, thread};

use mlops_core::{Error, Result};
use polars::prelude::{self as pl, DataFrame, LazyFrame, PlSmallStr};

use super::error::{backend, polars};

/// Rows in a batch.
const BATCH_ROWS: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("it is not zero");
/// Batches that are read ahead.
const AHEAD: usize = 2;
/// Columns that are streamed at once.
const STREAMED: usize = 8;
/// Rows that a file is asked for at once, see [`Source::can_enter`].
const WINDOW_ROWS: pl::IdxSize = 1 << 20;
/// Bytes of numbers that are in memory at once.
const COLLECTED_BYTES: u64 = 64 << 20;

/// A data set: what its columns are, how many rows it has, and its columns as they are asked for.
#[derive(Clone)]
pub(super) struct Source {
    frame: LazyFrame,
    pub(super) schema: pl::SchemaRef,
    pub(super) rows: u64,
    can_enter: bool,
}

impl Source {
    /// `what` is what errors call it.
    pub(super) fn open(what: &'static str, frame: &LazyFrame) -> Result<Self> {
        let mut frame = frame.clone();
        let schema = polars(|| frame.collect_schema())?;
        if schema.is_empty() {
            return Err(Error::invalid(what, "it has no columns"));
        }
        let rows = polars(|| frame.clone().select([pl::len()]).collect())?;
        let rows = rows.columns()[0].as_materialized_series().sum::<u64>().map_err(backend)?;
        let can_enter = can_enter(&frame)?;
        Ok(Self { frame, schema, rows, can_enter })
    }

    /// These columns, whole.
    pub(super) fn collect(&self, columns: &[PlSmallStr]) -> Result<DataFrame> {
        polars(|| self.selected(columns).collect())
    }

    /// These columns, batch by batch, in the order of the rows.
    pub(super) fn batches(
        &self,
        columns: &[PlSmallStr],
        mut take: impl FnMut(&DataFrame) -> Result<()>,
    ) -> Result<()> {
        let frame = self.selected(columns);
        if !self.can_enter {
            return stream(frame, &mut take);
        }
        for start in (0..self.rows).step_by(WINDOW_ROWS as usize) {
            let start = i64::try_from(start).map_err(|error| Error::invalid("rows", error))?;
            stream(frame.clone().slice(start, WINDOW_ROWS), &mut take)?;
        }
        Ok(())
    }

    fn selected(&self, columns: &[PlSmallStr]) -> LazyFrame {
        self.frame.clone().select(columns.iter().cloned().map(pl::col).collect::<Vec<_>>())
    }
}

/// Whether a slice of a frame is read without what is before it: from Parquet files, and no others.
///
/// polars decodes those far ahead of whoever takes the rows, up to the whole file, so that it is asked for some at
/// a time. Behind a filter, or in a CSV file, it would have to begin from the first row each time.
fn can_enter(frame: &LazyFrame) -> Result<bool> {
    let scans = frame.logical_plan.into_iter().filter_map(|plan| match plan {
        pl::DslPlan::Scan { scan_type, .. } => Some(&**scan_type),
        _ => None,
    });
    let (parquet, other): (Vec<_>, Vec<_>) =
        scans.partition(|scan| matches!(scan, pl::FileScanDsl::Parquet { .. }));
    if parquet.is_empty() || !other.is_empty() {
        return Ok(false);
    }
    let sliced = polars(|| frame.clone().slice(1, 1).describe_optimized_plan())?;
    // As polars shows a scan of a slice, and a slice of what a scan gives.
    Ok(sliced.matches("SLICE: ").count() == parquet.len() && !sliced.contains("SLICE["))
}

/// All rows, batch by batch.
fn stream(frame: LazyFrame, take: &mut impl FnMut(&DataFrame) -> Result<()>) -> Result<()> {
    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    let read = move || {
        polars(|| {
            // True ends the reading: nobody wants to know.
            let send = move |batch| Ok(sender.send(batch).is_err());
            let sink = frame.sink_batches(pl::PlanCallback::new(send), true, Some(BATCH_ROWS))?;
            sink.collect_with_engine(pl::Engine::Streaming).map(drop)
        })
    };
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("frame-read".into())
            .spawn_scoped(scope, read)
            .map_err(|error| Error::backend("thread", error))?;
        for batch in receiver {
            take(&batch)?;
        }
        reader.join().unwrap_or_else(|_| Err(Error::backend("polars", "reading panicked")))
    })
}

/// Columns that are streamed together.
pub(super) fn streamed(columns: &[PlSmallStr]) -> impl Iterator<Item = &[PlSmallStr]> {
    columns.chunks(STREAMED)
}

/// Columns of numbers, of so many rows, that are in memory together.
pub(super) fn collected(columns: &[PlSmallStr], rows: u64) -> impl Iterator<Item = &[PlSmallStr]> {
    let at_once = COLLECTED_BYTES / (size_of::<f64>() as u64 * rows.max(1));
    columns.chunks(usize::try_from(at_once).unwrap_or(usize::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use pl::{IntoLazy, LazyFileListReader, SerWriter};

    use super::*;

    #[test]
    fn windows_are_for_files_that_can_be_entered_anywhere_and_lose_no_row() {
        let rows = i64::from(WINDOW_ROWS) + 1000;
        let mut frame = pl::df!("x" => (0..rows).collect::<Vec<_>>()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let file = |name: &str| File::create(path(name)).unwrap();
        pl::ParquetWriter::new(file("x.parquet"))
            .with_row_group_size(Some(300_000))
            .finish(&mut frame)
            .unwrap();
        pl::CsvWriter::new(file("x.csv")).finish(&mut frame.head(Some(100_000))).unwrap();
        let parquet = path("x.parquet");
        let parquet =
            pl::LazyFrame::scan_parquet(parquet.as_str().into(), Default::default()).unwrap();
        let csv = pl::LazyCsvReader::new(path("x.csv").as_str().into()).finish().unwrap();
        let filtered = parquet.clone().filter(pl::col("x").gt_eq(pl::lit(7)));
        for (frame, can_enter, expected) in [
            (parquet, true, 0..rows),
            (filtered, false, 7..rows),
            (csv, false, 0..100_000),
            (frame.lazy(), false, 0..rows),
        ] {
            let source = Source::open("frame", &frame).unwrap();
            assert_eq!(source.can_enter, can_enter);
            let mut next = expected.start;
            source
                .batches(&["x".into()], |batch| {
                    for value in batch.column("x").unwrap().i64().unwrap().iter() {
                        assert_eq!(value, Some(next));
                        next += 1;
                    }
                    Ok(())
                })
                .unwrap();
            assert_eq!(next, expected.end);
        }
    }
}

//! The thread that reads.

use std::{
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use mlops_core::{Error, Result};
use polars::prelude as pl;
use tokio::sync::mpsc;

use super::{
    error::backend,
    inputs::{InputPlan, Rows},
};

/// Consecutive rows.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) rows: Rows,
    /// The columns that are copied.
    pub(super) kept: pl::DataFrame,
}

/// What is read, and how much at once.
pub(super) struct Reading {
    pub(super) frame: pl::LazyFrame,
    pub(super) inputs: Arc<InputPlan>,
    pub(super) keep: Vec<pl::PlSmallStr>,
    pub(super) chunk_rows: NonZeroUsize,
    /// Rows to leave out, because they are done.
    pub(super) skip: u64,
}

/// Chunks that are read ahead, so that the model has something to do while a window begins.
const AHEAD: usize = 4;

/// Chunks in a window, see [`Reading::window`].
const WINDOW: usize = 16;

impl Reading {
    /// Starts a thread that reads ahead. It ends by itself after an error, or when nobody receives any
    /// more.
    pub(super) fn start(self) -> Result<mpsc::Receiver<Result<Chunk>>> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let read = move || {
            let read = catch_unwind(AssertUnwindSafe(|| self.read(&sender, self.window()?)));
            if let Err(error) = read.unwrap_or_else(|_| Err(backend("reading panicked"))) {
                // If nobody receives, nobody wants to know.
                drop(sender.blocking_send(Err(error)));
            }
        };
        thread::Builder::new()
            .name("score-read".into())
            .spawn(read)
            .map_err(|error| Error::backend("thread", error))?;
        Ok(receiver)
    }

    /// How many rows are asked for at once; `None` for all.
    ///
    /// polars decodes Parquet far ahead of whoever reads it, dozens of row groups, so it is given windows.
    /// That is only done where it can go straight to the rows of a window: where it would have to begin
    /// from the first row each time (behind a filter, in a CSV file) it reads everything in one go.
    fn window(&self) -> Result<Option<pl::IdxSize>> {
        let scans = self.frame.logical_plan.into_iter().filter_map(|plan| match plan {
            pl::DslPlan::Scan { scan_type, .. } => Some(&**scan_type),
            _ => None,
        });
        let (parquet, other): (Vec<_>, Vec<_>) =
            scans.partition(|scan| matches!(scan, pl::FileScanDsl::Parquet { .. }));
        let sliced = self.selected().slice(1, 1).describe_optimized_plan().map_err(backend)?;
        // As polars shows a scan of a slice, and a slice of what a scan gives.
        let is_direct = sliced.matches("SLICE: ").count() == parquet.len();
        let is_direct = is_direct && !sliced.contains("SLICE[");
        let rows = self.chunk_rows.get().saturating_mul(WINDOW);
        let window = pl::IdxSize::try_from(rows).unwrap_or(pl::IdxSize::MAX);
        Ok((is_direct && !parquet.is_empty() && other.is_empty()).then_some(window))
    }

    fn read(
        &self,
        sender: &mpsc::Sender<Result<Chunk>>,
        window: Option<pl::IdxSize>,
    ) -> Result<()> {
        if self.skip == 0 && window.is_none() {
            return self.read_frame(self.selected(), sender).map(drop);
        }
        // No slice can have more.
        let window = window.unwrap_or(pl::IdxSize::MAX);
        let mut from = self.skip;
        loop {
            let offset = i64::try_from(from).map_err(backend)?;
            let read = self.read_frame(self.selected().slice(offset, window), sender)?;
            if read < u64::from(window) {
                return Ok(());
            }
            from += read;
        }
    }

    /// The columns that are needed.
    fn selected(&self) -> pl::LazyFrame {
        let mut columns = self.inputs.columns();
        for name in &self.keep {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        self.frame.clone().select(columns.into_iter().map(pl::col).collect::<Vec<_>>())
    }

    /// Sends all chunks of a frame and returns how many rows they have together.
    fn read_frame(
        &self,
        frame: pl::LazyFrame,
        sender: &mpsc::Sender<Result<Chunk>>,
    ) -> Result<u64> {
        let count = Arc::new(AtomicU64::new(0));
        let (counter, sender) = (Arc::clone(&count), sender.clone());
        let (inputs, keep) = (Arc::clone(&self.inputs), self.keep.clone());
        let take = move |frame: pl::DataFrame| {
            counter.fetch_add(frame.height() as u64, Ordering::Relaxed);
            let chunk = chunk(&inputs, &keep, &frame);
            let failed = chunk.is_err();
            // True ends the reading.
            Ok(sender.blocking_send(chunk).is_err() || failed)
        };
        frame
            .sink_batches(pl::PlanCallback::new(take), true, Some(self.chunk_rows))
            .and_then(|plan| plan.collect_with_engine(pl::Engine::Streaming))
            .map_err(backend)?;
        Ok(count.load(Ordering::Relaxed))
    }
}

fn chunk(inputs: &InputPlan, keep: &[pl::PlSmallStr], frame: &pl::DataFrame) -> Result<Chunk> {
    let rows = inputs.read(frame)?;
    let kept = frame.select(keep.iter().cloned()).map_err(backend)?;
    Ok(Chunk { rows, kept })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs::File};

    use mlops_core::{
        signature::{Dim, ModelSignature, TensorSpec},
        tensor::DataType,
    };
    use pl::{IntoLazy, LazyFileListReader, SerWriter};

    use super::*;

    fn numbers() -> pl::DataFrame {
        pl::df!("x" => (0..100_i64).collect::<Vec<_>>(), "y" => vec![1_i64; 100]).unwrap()
    }

    fn reading(frame: pl::LazyFrame) -> Reading {
        let shape = [Dim::Symbolic("batch".into())];
        let signature = ModelSignature {
            inputs: vec![TensorSpec::new("x", DataType::I64, shape)],
            outputs: vec![],
        };
        let schema = frame.clone().collect_schema().unwrap();
        let inputs = InputPlan::new(&signature, &BTreeMap::new(), &schema).unwrap();
        let (keep, chunk_rows) = (Vec::new(), NonZeroUsize::new(7).unwrap());
        Reading { frame, inputs: Arc::new(inputs), keep, chunk_rows, skip: 11 }
    }

    fn read(reading: &Reading, window: Option<pl::IdxSize>) -> Vec<i64> {
        let (sender, mut receiver) = mpsc::channel(200);
        reading.read(&sender, window).unwrap();
        drop(sender);
        let mut read: Vec<i64> = Vec::new();
        while let Some(chunk) = receiver.blocking_recv() {
            let rows = chunk.unwrap().rows;
            let inputs = rows.inputs(0..rows.count()).unwrap();
            read.extend(inputs.require("x").unwrap().as_slice::<i64>().unwrap());
        }
        read
    }

    #[test]
    fn all_rows_are_read_whatever_the_window() {
        let reading = reading(numbers().lazy());
        // 89 rows are left: whole windows, and ones that end with the frame.
        for window in [Some(1), Some(10), Some(88), Some(89), Some(90), None] {
            assert_eq!(read(&reading, window), (11..100).collect::<Vec<_>>(), "{window:?}");
        }
    }

    #[test]
    fn windows_are_for_files_that_can_be_entered_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let file = |name: &str| File::create(path(name)).unwrap();
        pl::ParquetWriter::new(file("x.parquet"))
            .with_row_group_size(Some(9))
            .finish(&mut numbers())
            .unwrap();
        pl::CsvWriter::new(file("x.csv")).finish(&mut numbers()).unwrap();
        let parquet = || {
            let path = path("*.parquet");
            pl::LazyFrame::scan_parquet(path.as_str().into(), Default::default()).unwrap()
        };
        let csv = pl::LazyCsvReader::new(path("x.csv").as_str().into()).finish().unwrap();
        let doubled = pl::col("x") + pl::col("y") - pl::lit(1);
        for (frame, windows) in [
            (parquet(), true),
            (parquet().with_column(doubled.alias("x")), true),
            (parquet().filter(pl::col("x").gt(pl::lit(-1))), false),
            (parquet().sort(["x"], Default::default()), false),
            (csv, false),
        ] {
            let reading = reading(frame.clone());
            let window = reading.window().unwrap();
            assert_eq!(window, windows.then_some(7 * 16), "{}", frame.describe_plan().unwrap());
            for window in [window, Some(10)] {
                assert_eq!(read(&reading, window), (11..100).collect::<Vec<_>>());
            }
        }
    }
}

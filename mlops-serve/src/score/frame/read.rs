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

/// Rows that are skipped to at once: as many as a slice of this library can have.
const WINDOW: pl::IdxSize = pl::IdxSize::MAX;

impl Reading {
    /// Starts a thread that reads one chunk ahead. It ends by itself after an error, or when nobody
    /// receives any more.
    pub(super) fn start(self) -> Result<mpsc::Receiver<Result<Chunk>>> {
        let (sender, receiver) = mpsc::channel(1);
        let read = move || {
            let read = catch_unwind(AssertUnwindSafe(|| self.read(&sender, WINDOW)));
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

    fn read(&self, sender: &mpsc::Sender<Result<Chunk>>, window: pl::IdxSize) -> Result<()> {
        if self.skip == 0 {
            return self.read_frame(self.frame.clone(), sender).map(drop);
        }
        let mut from = self.skip;
        loop {
            let offset = i64::try_from(from).map_err(backend)?;
            let read = self.read_frame(self.frame.clone().slice(offset, window), sender)?;
            if read < u64::from(window) {
                return Ok(());
            }
            from += read;
        }
    }

    /// Sends all chunks of a frame and returns how many rows they have together.
    fn read_frame(
        &self,
        frame: pl::LazyFrame,
        sender: &mpsc::Sender<Result<Chunk>>,
    ) -> Result<u64> {
        let mut columns = self.inputs.columns();
        for name in &self.keep {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        let columns: Vec<_> = columns.into_iter().map(pl::col).collect();
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
            .select(columns)
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
    use std::collections::BTreeMap;

    use mlops_core::{
        signature::{Dim, ModelSignature, TensorSpec},
        tensor::DataType,
    };
    use pl::IntoLazy;

    use super::*;

    #[test]
    fn rows_beyond_what_a_slice_can_have_are_read_too() {
        let shape = [Dim::Symbolic("batch".into())];
        let signature = ModelSignature {
            inputs: vec![TensorSpec::new("x", DataType::I64, shape)],
            outputs: vec![],
        };
        let frame = pl::df!("x" => (0..100_i64).collect::<Vec<_>>()).unwrap();
        let inputs = InputPlan::new(&signature, &BTreeMap::new(), frame.schema()).unwrap();
        let reading = Reading {
            frame: frame.lazy(),
            inputs: Arc::new(inputs),
            keep: Vec::new(),
            chunk_rows: NonZeroUsize::new(7).unwrap(),
            skip: 11,
        };
        // 89 rows are left: whole windows, and ones that end with the frame.
        for window in [1, 10, 88, 89, 90] {
            let (sender, mut receiver) = mpsc::channel(200);
            reading.read(&sender, window).unwrap();
            drop(sender);
            let mut read: Vec<i64> = Vec::new();
            while let Some(chunk) = receiver.blocking_recv() {
                let rows = chunk.unwrap().rows;
                let inputs = rows.inputs(0..rows.count()).unwrap();
                read.extend(inputs.require("x").unwrap().as_slice::<i64>().unwrap());
            }
            assert_eq!(read, (11..100).collect::<Vec<_>>(), "{window}");
        }
    }
}

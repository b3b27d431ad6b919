//! The thread that writes.

use std::{mem, thread};

use mlops_core::{Error, Result};
use polars::prelude as pl;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::backend,
    folder::Folder,
    outputs::{OutputPlan, Piece},
    part::Part,
};

/// What became of consecutive rows.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) kept: pl::DataFrame,
    pub(super) pieces: Vec<Piece>,
    pub(super) rows: usize,
}

/// What is told to the thread.
#[derive(Debug)]
pub(super) enum Message {
    Rows(Scored),
    /// That was all.
    Complete,
}

/// What has been written in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) failed_rows: u64,
    pub(super) parts: u64,
}

/// Writes rows into a folder.
pub(super) struct Writing {
    pub(super) folder: Folder,
    pub(super) outputs: OutputPlan,
    pub(super) schema: pl::Schema,
    pub(super) part_rows: u64,
    pub(super) max_failed_rows: u64,
    /// The next row.
    pub(super) next: u64,
}

impl Writing {
    /// Starts a thread that writes what it is sent. When there is no more, or nobody sends any more, it
    /// ends the last part and then itself, and says what it has done.
    pub(super) fn start(
        self,
    ) -> Result<(mpsc::Sender<Message>, oneshot::Receiver<Result<Written>>)> {
        let (sender, receiver) = mpsc::channel(1);
        let (tell, told) = oneshot::channel();
        thread::Builder::new()
            .name("score-write".into())
            // Whoever asked may have gone.
            .spawn(move || drop(tell.send(self.write(receiver))))
            .map_err(|error| Error::backend("thread", error))?;
        Ok((sender, told))
    }

    fn write(mut self, mut messages: mpsc::Receiver<Message>) -> Result<Written> {
        let mut written = Written::default();
        let mut part: Option<Part> = None;
        let mut group = pl::DataFrame::empty_with_schema(&self.schema);
        while let Some(message) = messages.blocking_recv() {
            let scored = match message {
                Message::Rows(scored) => scored,
                Message::Complete => {
                    let first = self.next;
                    let end = self.end(part, group, &mut written)?.unwrap_or(first);
                    self.folder.complete(end)?;
                    return Ok(written);
                }
            };
            let rows = scored.rows as u64;
            let frame = self.frame(&scored, &mut written)?;
            group.vstack_mut(&frame).map_err(backend)?;
            written.rows += rows;
            let unfinished = match &mut part {
                Some(part) => part,
                none => none.insert(Part::create(&self.folder, self.next, &self.schema)?),
            };
            let is_last = unfinished.rows() + group.height() as u64 >= self.part_rows;
            if is_last || is_group(&group) {
                let empty = pl::DataFrame::empty_with_schema(&self.schema);
                unfinished.write(mem::replace(&mut group, empty))?;
            }
            if is_last && let Some(part) = part.take() {
                self.next = part.commit(&self.folder)?;
                written.parts += 1;
            }
        }
        // Something failed, or nobody waits any more: what is done need not be done again.
        self.end(part, group, &mut written)?;
        Ok(written)
    }

    /// Ends the last part, if there is one; returns the row after its last.
    fn end(
        &self,
        part: Option<Part>,
        group: pl::DataFrame,
        written: &mut Written,
    ) -> Result<Option<u64>> {
        let Some(mut part) = part else { return Ok(None) };
        if group.height() > 0 {
            part.write(group)?;
        }
        let end = part.commit(&self.folder)?;
        written.parts += 1;
        Ok(Some(end))
    }

    /// Fails if that makes too many failed rows: then the mistake is rather in the columns than in them.
    fn frame(&self, scored: &Scored, written: &mut Written) -> Result<pl::DataFrame> {
        let (columns, failed) = self.outputs.columns(&scored.pieces, scored.rows)?;
        written.failed_rows += failed as u64;
        if written.failed_rows > self.max_failed_rows {
            let mut errors = scored.pieces.iter().filter_map(|piece| piece.outputs.as_ref().err());
            let last = errors.next_back().map(Error::report).unwrap_or_default();
            let reason = format!(
                "{} rows failed, more than `max_failed_rows`; the last: {last}",
                written.failed_rows
            );
            let reasons = [Box::from(reason)].into();
            return Err(Error::Refused { what: "going on", reasons });
        }
        let kept = scored.kept.columns().iter().cloned();
        pl::DataFrame::new(scored.rows, kept.chain(columns).collect()).map_err(backend)
    }
}

/// True if rows are enough for a group of a file: small ones are slow to read, large ones are memory.
fn is_group(rows: &pl::DataFrame) -> bool {
    rows.height() >= 128 << 10 || rows.estimated_size() >= 16 << 20
}

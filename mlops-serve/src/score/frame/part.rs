//! One file of the output, while it is written.

use std::{fs::File, path::PathBuf};

use mlops_core::{Error, Result};
use polars::{io::parquet::write::BatchedWriter, prelude as pl};

use super::{error::backend, folder::Folder};

/// A file of the output.
pub(super) struct Part {
    temporary: PathBuf,
    /// The same file as the writer's.
    file: File,
    writer: BatchedWriter<File>,
    first: u64,
    rows: u64,
}

impl Part {
    /// A new file, for the rows from `first` on.
    pub(super) fn create(folder: &Folder, first: u64, schema: &pl::Schema) -> Result<Self> {
        let temporary = folder.temporary(first);
        let wrong = |error| Error::file(&temporary, error);
        let file = File::create(&temporary).map_err(wrong)?;
        let writer = pl::ParquetWriter::new(file.try_clone().map_err(wrong)?);
        let writer = writer.batched(schema).map_err(backend)?;
        Ok(Self { temporary, file, writer, first, rows: 0 })
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends rows, as a group of their own.
    pub(super) fn write(&mut self, mut frame: pl::DataFrame) -> Result<()> {
        frame.rechunk_mut();
        self.writer.write_batch(&frame).map_err(backend)?;
        self.rows += frame.height() as u64;
        Ok(())
    }

    /// Ends the file and makes it one of the output; returns the row after its last.
    pub(super) fn commit(self, folder: &Folder) -> Result<u64> {
        let end = self.first + self.rows;
        self.writer.finish().map_err(backend)?;
        folder.commit(&self.file, &self.temporary, self.first, end)?;
        Ok(end)
    }
}

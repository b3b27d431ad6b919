//! [`FrameOptions`].

use std::collections::BTreeMap;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::score::RetryOptions;

/// Which columns are scored, what is kept, and how much is in memory at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FrameOptions {
    /// The columns of each input, in order. An input that is not here is the column of its own name: of
    /// single values, or of lists with all of a row's numbers, the last axis first.
    pub features: BTreeMap<String, Vec<String>>,
    /// The outputs to ask for, each a column; all if `None`.
    pub outputs: Option<Vec<String>>,
    /// Columns to copy beside the outputs, such as an id.
    pub keep: Vec<String>,
    /// Rows in a request at most; no more than the model takes.
    pub max_request_rows: usize,
    /// Requests under way at most.
    pub max_in_flight: usize,
    /// Rows read at once, at most. Eight times as many are in memory at most, beside what the reader needs,
    /// which is about sixteen times as many and the row groups of Parquet files that they are in.
    pub chunk_rows: usize,
    /// Bytes of inputs read at once, as far as the signature says how large a row is: fewer rows are read
    /// if they are large. At least one row is.
    pub chunk_bytes: usize,
    /// Rows in a file of the output at most, rounded up to whole chunks. A run that was interrupted begins
    /// after the last whole file.
    pub part_rows: usize,
    /// How many rows may fail in a run before it ends with an error.
    pub max_failed_rows: u64,
    /// What is tried again.
    pub retry: RetryOptions,
}

impl Default for FrameOptions {
    fn default() -> Self {
        Self {
            features: BTreeMap::new(),
            outputs: None,
            keep: Vec::new(),
            max_request_rows: 256,
            max_in_flight: 8,
            chunk_rows: 16 << 10,
            chunk_bytes: 64 << 20,
            part_rows: 1 << 20,
            max_failed_rows: 1000,
            retry: RetryOptions::default(),
        }
    }
}

impl FrameOptions {
    /// Sets the columns of an input, in order.
    #[must_use]
    pub fn with_features<C: Into<String>>(
        mut self,
        input: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.features.insert(input.into(), columns.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the outputs to ask for.
    #[must_use]
    pub fn with_outputs<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.outputs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the columns to copy beside the outputs.
    #[must_use]
    pub fn with_keep<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.keep = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many rows a request has, and how many requests are under way, at most.
    #[must_use]
    pub fn with_requests(mut self, max_rows: usize, max_in_flight: usize) -> Self {
        (self.max_request_rows, self.max_in_flight) = (max_rows, max_in_flight);
        self
    }

    /// Sets how many rows are read at once.
    #[must_use]
    pub fn with_chunk_rows(mut self, rows: usize) -> Self {
        self.chunk_rows = rows;
        self
    }

    /// Sets how many bytes of inputs are read at once.
    #[must_use]
    pub fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    /// Sets how many rows a file of the output has at most.
    #[must_use]
    pub fn with_part_rows(mut self, rows: usize) -> Self {
        self.part_rows = rows;
        self
    }

    /// Sets how many rows may fail.
    #[must_use]
    pub fn with_max_failed_rows(mut self, rows: u64) -> Self {
        self.max_failed_rows = rows;
        self
    }

    /// Sets what is tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        for (name, value) in [
            ("max_request_rows", self.max_request_rows),
            ("max_in_flight", self.max_in_flight),
            ("chunk_rows", self.chunk_rows),
            ("chunk_bytes", self.chunk_bytes),
            ("part_rows", self.part_rows),
        ] {
            if value == 0 {
                return Err(Error::invalid(name, "it must be at least 1"));
            }
        }
        self.retry.check()
    }
}

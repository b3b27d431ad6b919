//! [`Pending`]: small requests, put together.

use super::feature_map::{TensorReads, What};

/// How many rows are put together. Their columns are counted in half the time of as many single rows.
const ROWS: usize = 32;
/// The largest room for them, in bytes.
const MAX_BYTES: usize = 1 << 16;

/// Rows of one tensor that came in requests of few rows each, to be counted together.
///
/// Its room is taken once, for rows of the usual width. What is too large for it is counted at once.
#[derive(Debug)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    /// Elements of each row that is there.
    columns: usize,
    /// Columns that a row must have for everything to be there that is read.
    least_columns: usize,
}

impl Pending {
    /// Room for rows of a tensor, if they can be counted together.
    pub(super) fn new(tensor: &TensorReads) -> Self {
        let mut least_columns = 1;
        let mut by_row = true;
        for read in &tensor.reads {
            match read.what {
                What::Column(column) => least_columns = least_columns.max(column.saturating_add(1)),
                What::Class(_) | What::Confidence | What::Sum => {}
                // It is of a request, not of a row.
                What::Length(_) => by_row = false,
            }
        }
        let width = tensor.width.unwrap_or(least_columns);
        let row = tensor.data_type.size_bytes().and_then(|size| size.checked_mul(width));
        let room = row.filter(|_| by_row).map_or(0, |row| row.saturating_mul(ROWS));
        let room = if room <= MAX_BYTES { room } else { 0 };
        Self { bytes: Vec::with_capacity(room), columns: 0, least_columns }
    }

    /// Whether it could ever hold these rows, and others beside them.
    pub(super) fn suits(&self, bytes: &[u8], columns: usize) -> bool {
        bytes.len() <= self.bytes.capacity() / 2 && columns >= self.least_columns
    }

    /// Whether there is room for these rows now, beside those that are there.
    pub(super) fn has_room(&self, bytes: &[u8], columns: usize) -> bool {
        self.bytes.is_empty()
            || (self.columns == columns && bytes.len() <= self.bytes.capacity() - self.bytes.len())
    }

    /// Takes the bytes of rows that it has room for.
    pub(super) fn add(&mut self, bytes: &[u8], columns: usize) {
        self.columns = columns;
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes of its rows, and how many elements each has.
    pub(super) fn rows(&self) -> (&[u8], usize) {
        (&self.bytes, self.columns)
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

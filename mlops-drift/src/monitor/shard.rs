//! [`Shard`]: where one thread counts, and a collector takes from.

use std::{
    fmt, hint,
    sync::atomic::{AtomicUsize, Ordering},
};

use crossbeam_utils::atomic::AtomicCell;

use super::{buffer::Buffer, pane::Pane};

/// The buffers of one thread, which counts into one of them while a collector empties the other.
///
/// A buffer belongs to whoever took it out of its cell, and goes back to the same cell: no lock, no copy,
/// no allocation, and nothing is lost. The thread takes the active one; if the collector has that, it
/// takes the other. The collector has one at a time, so that the thread never waits for it: it looks
/// again only if the collector gave one back and took the other between its two looks. A buffer that the
/// thread has when the collector comes is collected the next time, because the thread uses the other one
/// from then on.
pub(super) struct Shard {
    active: AtomicUsize,
    cells: [AtomicCell<Option<Box<Buffer>>>; 2],
}

impl Shard {
    pub(super) fn new(buffer: impl Fn() -> Buffer) -> Self {
        let cell = || AtomicCell::new(Some(Box::new(buffer())));
        Self { active: AtomicUsize::new(0), cells: [cell(), cell()] }
    }

    /// Takes a buffer to count into. Only the thread whose shard it is calls this.
    pub(super) fn take(&self) -> Taken<'_> {
        loop {
            let active = self.active.load(Ordering::Relaxed);
            for cell in [&self.cells[active], &self.cells[1 - active]] {
                if let Some(buffer) = cell.take() {
                    return Taken { cell, buffer: Some(buffer) };
                }
            }
            hint::spin_loop();
        }
    }

    /// Shows what was counted since the last time, and forgets it. Only one collector at a time calls this.
    pub(super) fn collect(&self, mut each: impl FnMut(Collected<'_>)) {
        let active = self.active.load(Ordering::Relaxed);
        // What the thread had last time comes before what it counted since.
        self.collect_cell(1 - active, &mut each);
        self.active.store(1 - active, Ordering::Relaxed);
        self.collect_cell(active, &mut each);
    }

    fn collect_cell(&self, cell: usize, each: &mut impl FnMut(Collected<'_>)) {
        if let Some(buffer) = self.cells[cell].take() {
            let mut taken = Taken { cell: &self.cells[cell], buffer: Some(buffer) };
            taken.buffer().drain(each);
        }
    }
}

impl fmt::Debug for Shard {
    /// Without its buffers, which would have to be taken out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").finish_non_exhaustive()
    }
}

/// What a collector is shown of a buffer.
#[derive(Debug)]
pub(super) enum Collected<'a> {
    /// What was counted of the piece of time with this index.
    Pane(i64, &'a Pane),
    /// Rows for which there was no room.
    Dropped(u64),
}

/// A buffer that was taken out of its cell. It goes back when this is dropped, even by a panic.
pub(super) struct Taken<'a> {
    cell: &'a AtomicCell<Option<Box<Buffer>>>,
    buffer: Option<Box<Buffer>>,
}

impl Taken<'_> {
    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.buffer.as_mut().expect("it is there until this is dropped")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // The cell is empty: only who empties it fills it.
        self.cell.store(self.buffer.take());
    }
}

// The cell must be one atomic word: its fallback is a lock.
const _: () = assert!(AtomicCell::<Option<Box<Buffer>>>::is_lock_free());

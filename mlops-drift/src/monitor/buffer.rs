//! [`Buffer`]: what one thread counted since it was last collected.

use std::sync::Arc;

use super::{pane::Pane, shard::Collected};
use crate::profile::Profile;

/// Panes that a buffer has from the start: what is going on, and what has just begun.
const READY: usize = 2;
/// Panes that a buffer has at most between two collections.
const MAX_PANES: usize = 64;

/// What one thread counted since it was last collected, by the piece of time that it was seen in.
///
/// It has room for two pieces of time, as rows in order need, and makes more for rows out of order, up to 64.
/// Rows for which there is no room are dropped and counted.
#[derive(Debug)]
pub(super) struct Buffer {
    reference: Arc<Profile>,
    /// With the index of the piece of time; `None` if nothing is counted there.
    panes: Vec<(Option<i64>, Pane)>,
    /// Where the last row was counted.
    current: usize,
    dropped: u64,
}

impl Buffer {
    pub(super) fn new(reference: &Arc<Profile>) -> Self {
        let panes = (0..READY).map(|_| (None, Pane::new(reference))).collect();
        Self { reference: Arc::clone(reference), panes, current: 0, dropped: 0 }
    }

    /// Where to count what was seen in this piece of time; `None` if there is no room.
    pub(super) fn pane(&mut self, index: i64) -> Option<&mut Pane> {
        if self.panes[self.current].0 != Some(index) {
            let known = self.panes.iter().position(|(known, _)| *known == Some(index));
            let place = known.or_else(|| self.panes.iter().position(|(known, _)| known.is_none()));
            self.current = match place {
                Some(place) => place,
                None if self.panes.len() < MAX_PANES => {
                    self.panes.push((None, Pane::new(&self.reference)));
                    self.panes.len() - 1
                }
                None => return None,
            };
            self.panes[self.current].0 = Some(index);
        }
        Some(&mut self.panes[self.current].1)
    }

    /// Counts rows for which there is no room.
    pub(super) fn drop_rows(&mut self, rows: u64) {
        self.dropped = self.dropped.saturating_add(rows);
    }

    /// Shows what was counted, and forgets it.
    pub(super) fn drain(&mut self, each: &mut impl FnMut(Collected<'_>)) {
        for (index, pane) in &mut self.panes {
            if let Some(index) = index.take() {
                each(Collected::Pane(index, pane));
                pane.clear();
            }
        }
        self.panes.truncate(READY);
        self.current = 0;
        if self.dropped > 0 {
            each(Collected::Dropped(self.dropped));
            self.dropped = 0;
        }
    }
}

//! [`Buffer`]: what one thread counted since it was last collected.

use std::sync::Arc;

use mlops_core::observe::PredictionRecord;

use super::{feature_map::FeatureMap, pane::Pane, pending::Pending, shard::Collected};
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
    map: Arc<FeatureMap>,
    pieces: Vec<Piece>,
    /// Where the last row was counted.
    current: usize,
    dropped: u64,
}

/// What was counted of one piece of time.
#[derive(Debug)]
struct Piece {
    /// Which piece of time it is; `None` if nothing is counted here.
    index: Option<i64>,
    pane: Pane,
    /// What is not in the pane yet.
    pending: Box<[Pending]>,
}

impl Buffer {
    pub(super) fn new(reference: &Arc<Profile>, map: &Arc<FeatureMap>) -> Self {
        Self {
            reference: Arc::clone(reference),
            map: Arc::clone(map),
            pieces: (0..READY).map(|_| Piece::new(reference, map)).collect(),
            current: 0,
            dropped: 0,
        }
    }

    /// Counts a prediction in the piece of time with this index.
    pub(super) fn count(&mut self, index: i64, record: &PredictionRecord<'_>) {
        let Some(place) = self.place(index) else {
            return self.drop_rows(self.map.rows(record));
        };
        let Piece { pane, pending, .. } = &mut self.pieces[place];
        self.map.count(record, pane, pending);
    }

    /// Where to count what was seen in this piece of time; `None` if there is no room.
    pub(super) fn pane(&mut self, index: i64) -> Option<&mut Pane> {
        let place = self.place(index)?;
        Some(&mut self.pieces[place].pane)
    }

    fn place(&mut self, index: i64) -> Option<usize> {
        if self.pieces[self.current].index != Some(index) {
            let place = |index| self.pieces.iter().position(|piece| piece.index == index);
            self.current = match place(Some(index)).or_else(|| place(None)) {
                Some(place) => place,
                None if self.pieces.len() < MAX_PANES => {
                    self.pieces.push(Piece::new(&self.reference, &self.map));
                    self.pieces.len() - 1
                }
                None => return None,
            };
            self.pieces[self.current].index = Some(index);
        }
        Some(self.current)
    }

    /// Counts rows for which there is no room.
    pub(super) fn drop_rows(&mut self, rows: u64) {
        self.dropped = self.dropped.saturating_add(rows);
    }

    /// Shows what was counted, and forgets it.
    pub(super) fn drain(&mut self, each: &mut impl FnMut(Collected<'_>)) {
        for Piece { index, pane, pending } in &mut self.pieces {
            if let Some(index) = index.take() {
                self.map.count_pending(pane, pending);
                each(Collected::Pane(index, pane));
                pane.clear();
            }
        }
        self.pieces.truncate(READY);
        self.current = 0;
        if self.dropped > 0 {
            each(Collected::Dropped(self.dropped));
            self.dropped = 0;
        }
    }
}

impl Piece {
    fn new(reference: &Profile, map: &FeatureMap) -> Self {
        Self { index: None, pane: Pane::new(reference), pending: map.pending() }
    }
}

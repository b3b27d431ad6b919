//! [`LabelledCounts`]: what became of everything that was observed.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What became of the predictions and outcomes that a [`LabelledMonitor`](super::LabelledMonitor) was
/// shown. Each is in one of these counts; nothing is dropped without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LabelledCounts {
    /// Requests that had no answer.
    pub failed: u64,
    /// Answers without a request id, by which an outcome could be told to be theirs.
    pub without_id: u64,
    /// Answers and outcomes whose request id is too long.
    pub long_ids: u64,
    /// Answers with more than one row: an id stands for one.
    pub several_rows: u64,
    /// Answers whose output is missing, or not of a type, shape or value that can be read.
    pub unreadable: u64,
    /// Outcomes of a kind or value that says nothing of such a prediction.
    pub unusable: u64,
    /// Predictions that found the queue full.
    pub dropped_predictions: u64,
    /// Outcomes that found the queue full.
    pub dropped_outcomes: u64,
    /// Predictions that wait for their outcome.
    pub pending: u64,
    /// Predictions that were given up, by age or for want of room.
    pub expired: u64,
    /// Outcomes without a prediction: it never came, is still to come, was given up, or had one already.
    pub unmatched: u64,
    /// Pairs whose probabilities are none.
    pub refused: u64,
    /// Pairs that count.
    pub pairs: u64,
    /// Of these, the ones that are older than the oldest pane kept: they count overall only.
    pub before_panes: u64,
}

/// The counts that whoever observes adds to.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) failed: AtomicU64,
    pub(super) without_id: AtomicU64,
    pub(super) long_ids: AtomicU64,
    pub(super) several_rows: AtomicU64,
    pub(super) unreadable: AtomicU64,
    pub(super) unusable: AtomicU64,
    pub(super) dropped_predictions: AtomicU64,
    pub(super) dropped_outcomes: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Observed {
    /// The counts, without those of whoever collects.
    pub(super) fn counts(&self) -> LabelledCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LabelledCounts {
            failed: of(&self.failed),
            without_id: of(&self.without_id),
            long_ids: of(&self.long_ids),
            several_rows: of(&self.several_rows),
            unreadable: of(&self.unreadable),
            unusable: of(&self.unusable),
            dropped_predictions: of(&self.dropped_predictions),
            dropped_outcomes: of(&self.dropped_outcomes),
            ..LabelledCounts::default()
        }
    }
}

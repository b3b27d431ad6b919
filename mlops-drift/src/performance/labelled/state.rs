//! [`State`]: what was collected.

use std::sync::Arc;

use mlops_core::{
    observe::{JoinLimits, OutcomeJoin},
    timestamp::Timestamp,
};

use super::{
    counts::{LabelledCounts, Observed},
    metrics::PerformanceMetrics,
    options::LabelledOptions,
    output::Predicted,
    pair::{Truth, add},
    panes::Panes,
    summary::ConceptDrift,
};
use crate::online::{ChangeDetector, Signal};

/// What was observed, on its way through the queue.
#[derive(Debug)]
pub(super) enum Event {
    Prediction { id: Arc<str>, at: Timestamp, predicted: Predicted },
    Outcome { id: Arc<str>, truth: Truth },
}

/// What a monitor has collected.
#[derive(Debug)]
pub(super) struct State {
    join: OutcomeJoin<(Timestamp, Predicted)>,
    pub(super) overall: PerformanceMetrics,
    pub(super) panes: Panes,
    pub(super) detector: Option<(Box<dyn ChangeDetector>, ConceptDrift)>,
    refused: u64,
    pairs: u64,
    before_panes: u64,
    /// The time of the latest collection. It may go back, as clocks do: a single wrong one does no lasting
    /// harm.
    pub(super) now: Timestamp,
}

impl State {
    /// Nothing, of options that are checked.
    pub(super) fn new(options: &LabelledOptions) -> Self {
        let empty = PerformanceMetrics::new(&options.task);
        let (max_pending, max_age) = (options.max_pending, options.max_age);
        Self {
            join: OutcomeJoin::new(JoinLimits { max_pending, max_age }),
            panes: Panes::new(options.pane, options.max_panes, empty.clone()),
            overall: empty,
            detector: None,
            refused: 0,
            pairs: 0,
            before_panes: 0,
            now: Timestamp::from_micros(i64::MIN),
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Prediction { id, at, predicted } => {
                let at = at.min(self.now);
                self.join.predicted(id, at, (at, predicted));
            }
            Event::Outcome { id, truth } => {
                if let Some((at, predicted)) = self.join.outcome(&id, self.now) {
                    self.pair(at, &predicted, truth);
                }
            }
        }
    }

    fn pair(&mut self, at: Timestamp, predicted: &Predicted, truth: Truth) {
        let Ok(error) = add(&mut self.overall, predicted, truth) else {
            self.refused += 1;
            return;
        };
        self.pairs += 1;
        // What the overall metrics took the pane takes too.
        if self.panes.at(at).is_none_or(|pane| add(pane, predicted, truth).is_err()) {
            self.before_panes += 1;
        }
        let (Some((detector, drift)), Some(error)) = (&mut self.detector, error) else {
            return;
        };
        match detector.update(error) {
            Signal::Stable => {}
            Signal::Warning => drift.warnings += 1,
            Signal::Ignored => drift.ignored += 1,
            Signal::Change => {
                drift.changes += 1;
                drift.last_change = Some(self.now);
            }
        }
    }

    pub(super) fn counts(&self, observed: &Observed) -> LabelledCounts {
        LabelledCounts {
            pending: self.join.pending() as u64,
            expired: self.join.expired(),
            unmatched: self.join.unmatched(),
            refused: self.refused,
            pairs: self.pairs,
            before_panes: self.before_panes,
            ..observed.counts()
        }
    }
}

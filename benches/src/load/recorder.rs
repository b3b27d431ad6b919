//! [`Recorder`]: counts the requests of one thread.

use std::time::Duration;

use tokio::time::Instant;

use super::{Outcome, Report, mix::Ticket};

/// The part of a load test that is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) opens: Instant,
    pub(super) closes: Instant,
}

impl Window {
    fn contains(&self, time: Instant) -> bool {
        (self.opens..self.closes).contains(&time)
    }
}

/// Counts the requests of one thread, in memory that depends on its connections alone.
#[derive(Debug)]
pub(super) struct Recorder {
    window: Window,
    report: Report,
    /// When the request that each connection is waiting for was due.
    waiting: Vec<Option<Instant>>,
}

impl Recorder {
    pub(super) fn new(window: Window, connections: usize) -> Self {
        let report = Report { window: window.closes - window.opens, ..Report::default() };
        Self { window, report, waiting: vec![None; connections] }
    }

    /// A request that was due is sent.
    pub(super) fn sent(&mut self, connection: usize, due: Instant, now: Instant) {
        self.waiting[connection] = Some(due);
        if self.window.contains(due) {
            self.report.due += 1;
            self.report.start_delay.record(now.saturating_duration_since(due));
        }
    }

    /// The connection's request has come to its end.
    pub(super) fn ended(
        &mut self,
        connection: usize,
        ticket: Ticket,
        outcome: Outcome,
        now: Instant,
    ) {
        let answered = outcome == Outcome::Answered;
        self.report.answers += u64::from(answered && self.window.contains(now));
        let Some(due) = self.waiting[connection].take().filter(|due| self.window.contains(*due))
        else {
            return;
        };
        let outcomes =
            if ticket.is_poison { &mut self.report.poison } else { &mut self.report.sound };
        *outcomes.entry(outcome).or_default() += 1;
        if answered && !ticket.is_poison {
            self.report.latency.record(now.saturating_duration_since(due));
        }
    }

    /// The test is over. `unsent` are the times at which requests were due that nobody sent.
    pub(super) fn finish(mut self, unsent: impl Iterator<Item = Instant>, now: Instant) -> Report {
        let window = self.window;
        for due in unsent.filter(|due| window.contains(*due)) {
            self.report.due += 1;
            self.unfinished(now.saturating_duration_since(due));
        }
        for due in std::mem::take(&mut self.waiting).into_iter().flatten() {
            if self.window.contains(due) {
                self.unfinished(now.saturating_duration_since(due));
            }
        }
        self.report
    }

    fn unfinished(&mut self, waited: Duration) {
        self.report.unfinished += 1;
        self.report.latency.record(waited);
    }
}

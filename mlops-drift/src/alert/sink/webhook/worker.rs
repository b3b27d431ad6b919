//! [`Worker`]: the thread that posts alerts.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use mlops_core::{
    alert::Alert,
    clock::{Clock, Signal},
    random::{RandomKey, RandomStream},
};

use super::{
    format::{Writer, post_key},
    http::Client,
    queue::AlertQueue,
    retry::{Answer, Next, Retry},
};

/// What the sink and its thread share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    /// Raised when there is an alert, or the end has come.
    pub(super) work: Arc<Signal>,
    /// Raised when the thread has nothing more to do.
    pub(super) ended: Arc<Signal>,
    state: Mutex<State>,
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// What changes under the lock, which is held for a push or a pop.
#[derive(Debug)]
pub(super) struct State {
    pub(super) queue: AlertQueue,
    /// Until when what waits may still be sent, once no more is taken.
    pub(super) closing: Option<Instant>,
    pub(super) has_ended: bool,
}

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>, queue: AlertQueue) -> Self {
        Self {
            clock,
            work: Arc::default(),
            ended: Arc::default(),
            state: Mutex::new(State { queue, closing: None, has_ended: false }),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// The state. Nothing that is done under the lock panics halfway.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more alerts; those that wait are sent until `deadline`, or an earlier one that was set before.
    pub(super) fn close(&self, deadline: Instant) {
        let mut state = self.state();
        let deadline = state.closing.map_or(deadline, |before| before.min(deadline));
        state.closing = Some(deadline);
        drop(state);
        self.work.raise();
    }

    /// Whether there is no time left to send anything.
    fn is_over(&self) -> bool {
        let closing = self.state().closing;
        closing.is_some_and(|deadline| deadline <= self.clock.monotonic())
    }
}

/// Sends one alert after the other, so that they arrive in order.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) client: Client,
    pub(super) writer: Writer,
    pub(super) retry: Retry,
    pub(super) random: RandomKey,
}

impl Worker {
    /// Runs until the sink is shut down and what waited has been sent, or its time is over.
    pub(super) fn run(self) {
        // However this ends, nobody waits for it in vain.
        let _ended = Ended(Arc::clone(&self.shared));
        let mut random = self.random.stream(0);
        loop {
            let seen = self.shared.work.seen();
            let (alert, closing) = {
                let mut state = self.shared.state();
                (state.queue.pop(), state.closing)
            };
            match alert {
                Some(alert) if self.shared.is_over() => {
                    drop(alert);
                    self.drop_rest(1);
                    return;
                }
                Some(alert) => self.send(&alert, &mut random),
                None if closing.is_some() => return,
                None => self.shared.clock.wait(&self.shared.work, seen, None),
            }
        }
    }

    /// Sends an alert until it has arrived or there is no point in trying.
    fn send(&self, alert: &Alert, random: &mut RandomStream) {
        let body = match self.writer.body(alert) {
            Ok(body) => body,
            Err(error) => return self.fail(alert, &error.report()),
        };
        let key = post_key(alert);
        for attempt in 1.. {
            let answer = self.client.post(self.writer.content_type(), &key, &body);
            let unit = random.next_unit();
            match self.retry.next(&answer, attempt, unit, self.shared.clock.wall()) {
                Next::Sent => {
                    self.shared.sent.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Next::GiveUp => {
                    return self.fail(
                        alert,
                        &match answer {
                            Answer::Status(status, _) => format!("status {status}"),
                            Answer::Broken(reason) => reason,
                        },
                    );
                }
                Next::Again(delay) => {
                    if !self.wait_until(self.shared.clock.monotonic() + delay) {
                        return self.drop_rest(1);
                    }
                    self.shared.retried.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Waits, and says whether there is time to go on.
    fn wait_until(&self, due: Instant) -> bool {
        loop {
            let seen = self.shared.work.seen();
            if self.shared.is_over() {
                return false;
            }
            if self.shared.clock.monotonic() >= due {
                return true;
            }
            let closing = self.shared.state().closing;
            let until = closing.map_or(due, |deadline| deadline.min(due));
            self.shared.clock.wait(&self.shared.work, seen, Some(until));
        }
    }

    fn fail(&self, alert: &Alert, reason: &str) {
        self.shared.failed.fetch_add(1, Ordering::Relaxed);
        let server = self.client.server();
        tracing::warn!(kind = alert.kind, server, reason, "an alert could not be posted");
    }

    /// Counts what will not be sent any more: everything that waits, and so many that did.
    fn drop_rest(&self, more: u64) {
        let mut state = self.shared.state();
        let waiting = state.queue.len() as u64;
        while state.queue.pop().is_some() {}
        drop(state);
        self.shared.dropped.fetch_add(waiting + more, Ordering::Relaxed);
        let (server, dropped) = (self.client.server(), waiting + more);
        tracing::warn!(server, dropped, "alerts were left when the webhook was shut down");
    }
}

/// Says that the thread has ended, when it is dropped.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.state().has_ended = true;
        self.0.ended.raise();
    }
}

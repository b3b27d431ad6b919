//! [`ManualClock`], and the suite for [`Clock`].

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::suite::{Build, Case, Outcome, Report, Violation, check, run, sync_cases};
use crate::{
    clock::{Clock, Seen, Signal},
    timestamp::Timestamp,
};

/// A clock that stands still until a test turns it.
///
/// ```
/// use std::time::Duration;
/// use mlops_core::{clock::Clock, testing::clock::ManualClock};
///
/// let clock = ManualClock::new();
/// let before = clock.monotonic();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.monotonic() - before, Duration::from_secs(3600));
/// ```
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    state: Mutex<State>,
    waiting_changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    /// The signal and deadline of every thread that waits now.
    waiting: Vec<(Arc<Signal>, Option<Instant>)>,
}

impl ManualClock {
    /// A clock whose wall time is the epoch.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), state: Mutex::default(), waiting_changed: Condvar::new() }
    }

    /// Moves the clock on and wakes every thread that waits with a deadline.
    pub fn advance(&self, by: Duration) {
        let waiting: Vec<_> = {
            let mut state = self.state.lock();
            state.elapsed += by;
            state.waiting.iter().filter(|(_, deadline)| deadline.is_some()).cloned().collect()
        };
        for (signal, _) in waiting {
            signal.raise();
        }
    }

    /// Blocks until `count` threads wait for a signal; the test's way to know that a thread has
    /// nothing left to do.
    pub fn until_waiting(&self, count: usize) {
        let mut state = self.state.lock();
        while state.waiting.len() != count {
            self.waiting_changed.wait(&mut state);
        }
    }

    /// Blocks until a thread waits with a deadline, and returns the earliest one.
    pub fn until_deadline(&self) -> Instant {
        let mut state = self.state.lock();
        loop {
            if let Some(deadline) = state.waiting.iter().filter_map(|(_, deadline)| *deadline).min()
            {
                return deadline;
            }
            self.waiting_changed.wait(&mut state);
        }
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Instant {
        self.start + self.state.lock().elapsed
    }

    fn wall(&self) -> Timestamp {
        Timestamp::EPOCH.saturating_add(self.state.lock().elapsed)
    }

    fn wait(&self, signal: &Arc<Signal>, seen: Seen, deadline: Option<Instant>) {
        {
            let mut state = self.state.lock();
            let now = self.start + state.elapsed;
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            state.waiting.push((Arc::clone(signal), deadline));
            self.waiting_changed.notify_all();
        }
        signal.wait(seen, None);
        let mut state = self.state.lock();
        if let Some(mine) = state
            .waiting
            .iter()
            .position(|(other, until)| Arc::ptr_eq(other, signal) && *until == deadline)
        {
            state.waiting.swap_remove(mine);
        }
        self.waiting_changed.notify_all();
    }
}

/// What the suite needs: a clock, and the means to let time pass on it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Lets at least this much time pass, for instance by sleeping.
    pub pass: fn(&dyn Clock, Duration),
    /// The same clock, if it is a manual one.
    pub manual: Option<Arc<ManualClock>>,
}

impl Subject {
    fn let_pass(&self, time: Duration) {
        match &self.manual {
            Some(manual) => manual.advance(time),
            None => (self.pass)(&*self.clock, time),
        }
    }
}

/// Tests a [`Clock`] against its contract.
pub async fn test_all<B: Build<Subject>>(builder: &B) -> Report {
    run(&all(), builder).await
}

fn all() -> Vec<Case<Subject>> {
    sync_cases! {
        1 monotonic_never_goes_back: "monotonic never goes back";
        2 an_earlier_raise_is_not_missed: "wait returns if the signal was raised since `seen`";
        3 a_raise_ends_the_wait: "wait returns when the signal is raised";
        4 the_deadline_ends_the_wait: "wait returns at the deadline";
    }
}

/// Long for a wait that should have ended, and no part of a test that passes.
const PATIENCE: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(2);

fn monotonic_never_goes_back(subject: Subject) -> Outcome {
    let mut last = subject.clock.monotonic();
    for _ in 0..100 {
        subject.let_pass(Duration::from_micros(10));
        let now = subject.clock.monotonic();
        check(now > last, "time stood still or went back")?;
        last = now;
    }
    Ok(())
}

fn an_earlier_raise_is_not_missed(subject: Subject) -> Outcome {
    let signal = Arc::new(Signal::default());
    let seen = signal.seen();
    signal.raise();
    ends(&subject, &signal, seen, None, || {})
}

fn a_raise_ends_the_wait(subject: Subject) -> Outcome {
    let signal = Arc::new(Signal::default());
    let seen = signal.seen();
    ends(&subject, &signal, seen, None, || signal.raise())
}

fn the_deadline_ends_the_wait(subject: Subject) -> Outcome {
    let signal = Arc::new(Signal::default());
    let seen = signal.seen();
    let deadline = subject.clock.monotonic() + STEP;
    ends(&subject, &signal, seen, Some(deadline), || {
        if let Some(manual) = &subject.manual {
            manual.until_waiting(1);
        }
        subject.let_pass(STEP);
    })?;
    check(subject.clock.monotonic() >= deadline, "the wait ended before the deadline")
}

/// Waits on a thread of its own, then does `then`; the wait must end.
fn ends(
    subject: &Subject,
    signal: &Arc<Signal>,
    seen: Seen,
    deadline: Option<Instant>,
    then: impl FnOnce(),
) -> Outcome {
    let (ended, when_ended) = std::sync::mpsc::channel();
    let (clock, waited_for) = (Arc::clone(&subject.clock), Arc::clone(signal));
    thread::spawn(move || {
        clock.wait(&waited_for, seen, deadline);
        // The receiver is gone only if the case has failed already.
        ended.send(()).ok();
    });
    then();
    when_ended.recv_timeout(PATIENCE).map_err(|error| Violation::new(format!("no end: {error}")))
}

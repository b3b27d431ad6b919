//! [`Clock`]: where threads get the time and wait for it.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Instant, SystemTime},
};

use parking_lot::{Condvar, Mutex};

use crate::timestamp::Timestamp;

/// The time, and waiting for it: injected, so that code on threads is tested without sleeping.
///
/// `testing::ManualClock` is the one that tests turn by hand.
///
/// # Contract
/// 1. [`monotonic`](Clock::monotonic) MUST never go back.
/// 2. [`wait`](Clock::wait) MUST return at once if the signal was raised after `seen` was read.
/// 3. [`wait`](Clock::wait) MUST return once the signal is raised, from any thread.
/// 4. [`wait`](Clock::wait) MUST return once `monotonic` has reached `deadline`.
/// 5. It MAY return earlier: callers look at their own state again after every wait.
///
/// # Implementing
/// Build `wait` on [`Signal::wait`]. The suite is `testing::clock`.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, on a clock that only goes forward.
    fn monotonic(&self) -> Instant;

    /// Now, as the world tells it; may jump.
    fn wall(&self) -> Timestamp;

    /// Blocks this thread until `signal` is raised again after `seen`, or until `deadline`.
    fn wait(&self, signal: &Arc<Signal>, seen: Seen, deadline: Option<Instant>);
}

/// Something a thread can wait for: a counter that others raise.
///
/// Reading the counter *before* looking at shared state makes a raise between the look and the
/// wait impossible to miss:
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::clock::{Clock, Signal, SystemClock};
///
/// let signal = Arc::new(Signal::default());
/// let seen = signal.seen();
/// signal.raise();                          // happens before we get to wait
/// SystemClock.wait(&signal, seen, None);   // returns at once
/// ```
#[derive(Debug, Default)]
pub struct Signal {
    raised: Mutex<u64>,
    condvar: Condvar,
}

/// A reading of a [`Signal`]'s counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(u64);

impl Signal {
    /// How often it has been raised so far.
    pub fn seen(&self) -> Seen {
        Seen(*self.raised.lock())
    }

    /// Wakes every thread that waits for this signal.
    pub fn raise(&self) {
        *self.raised.lock() += 1;
        self.condvar.notify_all();
    }

    /// Blocks this thread until the signal is raised again after `seen`, or until `deadline` in
    /// real time. For implementors of [`Clock`]; others call [`Clock::wait`].
    pub fn wait(&self, seen: Seen, deadline: Option<Instant>) {
        let mut raised = self.raised.lock();
        while Seen(*raised) == seen {
            match deadline {
                None => self.condvar.wait(&mut raised),
                Some(deadline) => {
                    if self.condvar.wait_until(&mut raised, deadline).timed_out() {
                        return;
                    }
                }
            }
        }
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn wait(&self, signal: &Arc<Signal>, seen: Seen, deadline: Option<Instant>) {
        signal.wait(seen, deadline);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn monotonic(&self) -> Instant {
        (**self).monotonic()
    }

    fn wall(&self) -> Timestamp {
        (**self).wall()
    }

    fn wait(&self, signal: &Arc<Signal>, seen: Seen, deadline: Option<Instant>) {
        (**self).wait(signal, seen, deadline);
    }
}

const _: Option<&dyn Clock> = None;

//! Where a caller waits and its answer is left.
//!
//! One state with two ends: the [`Caller`] waits, the [`Responder`] answers once. Either may go away at
//! any moment and the other learns of it; a value that nobody takes is dropped, outside of the lock, by
//! whoever comes too late for it. `tests/slot_model.rs` checks every interleaving.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::sync::{Mutex, lock};

/// A new slot's two ends.
pub(super) fn slot<T>() -> (Responder<T>, Caller<T>) {
    let slot = Arc::new(Mutex::new(State::Waiting(None)));
    (Responder { slot: Some(Arc::clone(&slot)) }, Caller { slot })
}

/// Answers, once. Dropped without an answer, it tells the caller that none will come.
pub(super) struct Responder<T> {
    /// `None` once it has answered.
    slot: Option<Slot<T>>,
}

/// Waits for the answer: `None` if none will come.
pub(super) struct Caller<T> {
    slot: Slot<T>,
}

type Slot<T> = Arc<Mutex<State<T>>>;

/// Which slot it is, as long as one of its ends is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotId(usize);

enum State<T> {
    /// Nothing has happened yet; the caller has left its waker if it waits already.
    Waiting(Option<Waker>),
    Answered(T),
    /// The answer was taken, or one of the ends is gone.
    Closed,
}

impl<T> Responder<T> {
    /// Leaves the answer for the caller, or gives it back if the caller has gone.
    pub(super) fn send(mut self, value: T) -> Result<(), T> {
        match self.slot.take() {
            Some(slot) => settle(&slot, State::Answered(value)),
            None => Err(value),
        }
    }

    /// Tells this slot apart from all others that are in use.
    pub(super) fn id(&self) -> SlotId {
        SlotId(self.slot.as_ref().map_or(0, |slot| Arc::as_ptr(slot).addr()))
    }

    /// True if the caller has gone.
    pub(super) fn is_closed(&self) -> bool {
        self.slot.as_ref().is_none_or(|slot| matches!(*lock(slot), State::Closed))
    }
}

impl<T> Default for Responder<T> {
    /// A responder for which nobody waits.
    fn default() -> Self {
        Self { slot: None }
    }
}

/// Ends the waiting, or gives the answer back if the caller has gone.
fn settle<T>(slot: &Slot<T>, settled: State<T>) -> Result<(), T> {
    let before = {
        let mut state = lock(slot);
        if !matches!(*state, State::Waiting(_)) {
            return match settled {
                State::Answered(value) => Err(value),
                State::Waiting(_) | State::Closed => Ok(()),
            };
        }
        std::mem::replace(&mut *state, settled)
    };
    if let State::Waiting(Some(waker)) = before {
        waker.wake();
    }
    Ok(())
}

impl<T> Drop for Responder<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // Nothing comes back: there is no answer.
            drop(settle(&slot, State::Closed));
        }
    }
}

impl<T> Caller<T> {
    /// The same as its responder's.
    pub(super) fn id(&self) -> SlotId {
        SlotId(Arc::as_ptr(&self.slot).addr())
    }

    /// A responder for the next answer; the one before has been taken.
    pub(super) fn ask_again(&self) -> Responder<T> {
        *lock(&self.slot) = State::Waiting(None);
        Responder { slot: Some(Arc::clone(&self.slot)) }
    }
}

impl<T> Future for Caller<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.slot);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Answered(value) => Poll::Ready(Some(value)),
            State::Closed => Poll::Ready(None),
            State::Waiting(waker) => {
                let waker = match waker {
                    Some(waker) if waker.will_wake(context.waker()) => waker,
                    _ => context.waker().clone(),
                };
                *state = State::Waiting(Some(waker));
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Caller<T> {
    fn drop(&mut self) {
        // Dropped after the lock is released: an answer may be anything, even what answers others.
        let before = std::mem::replace(&mut *lock(&self.slot), State::Closed);
        drop(before);
    }
}

impl<T> fmt::Debug for Responder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Caller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}

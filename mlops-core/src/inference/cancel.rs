//! [`CancelHandle`].

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

/// Stops a running session from another thread. Clones share one state.
///
/// Cancelling is final: a handle is made for one run. How soon the run stops is up to the engine
/// (ONNX Runtime looks between two operators).
#[derive(Clone, Default)]
pub struct CancelHandle(Arc<State>);

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    stop: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl CancelHandle {
    /// A handle that nothing has cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop. Does nothing the second time.
    pub fn cancel(&self) {
        // Under the lock: a run that registers now either sees the flag or is stopped below.
        let stop = {
            let mut stop = self.0.stop.lock();
            self.0.cancelled.store(true, Ordering::Release);
            stop.take()
        };
        if let Some(stop) = stop {
            stop();
        }
    }

    /// True once [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// For implementors of sessions: calls `stop` when the handle is cancelled, until the guard is
    /// dropped; at once if it is cancelled already.
    #[must_use = "dropping the guard forgets `stop`"]
    pub fn on_cancel(&self, stop: impl FnOnce() + Send + 'static) -> CancelGuard<'_> {
        let mut slot = self.0.stop.lock();
        if self.is_cancelled() {
            drop(slot);
            stop();
        } else {
            *slot = Some(Box::new(stop));
        }
        CancelGuard(self)
    }
}

/// Forgets the callback of [`CancelHandle::on_cancel`] when dropped.
#[derive(Debug)]
pub struct CancelGuard<'a>(&'a CancelHandle);

impl Drop for CancelGuard<'_> {
    fn drop(&mut self) {
        self.0.0.stop.lock().take();
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle")
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn counter() -> (Arc<AtomicU32>, impl Fn() -> Box<dyn FnOnce() + Send>) {
        let count = Arc::new(AtomicU32::new(0));
        let shared = Arc::clone(&count);
        let stop = move || {
            let count = Arc::clone(&shared);
            Box::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
            }) as Box<dyn FnOnce() + Send>
        };
        (count, stop)
    }

    #[test]
    fn stops_a_run_once_before_during_and_not_after() {
        let (count, stop) = counter();
        let handle = CancelHandle::new();
        drop(handle.on_cancel(stop()));
        handle.cancel();
        assert_eq!(count.load(Ordering::SeqCst), 0, "the run was over");
        drop(handle.on_cancel(stop()));
        assert_eq!(count.load(Ordering::SeqCst), 1, "cancelled before the run began");

        let handle = CancelHandle::new();
        let guard = handle.on_cancel(stop());
        handle.clone().cancel();
        handle.cancel();
        drop(guard);
        assert_eq!(count.load(Ordering::SeqCst), 2, "cancelled during the run");
    }
}

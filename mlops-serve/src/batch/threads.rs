//! The threads that a batcher owns.

use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Threads that end with a batcher.
#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Vec<OwnedThread>>);

/// A thread, and how it tells that its session is gone.
#[derive(Debug)]
struct OwnedThread {
    thread: JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

impl Threads {
    /// Adds a thread; `ended` tells that its session is gone.
    pub(super) fn add(&self, thread: JoinHandle<()>, ended: oneshot::Receiver<()>) {
        self.0.lock().push(OwnedThread { thread, ended });
    }

    /// Waits until every thread has ended, and joins it.
    ///
    /// # Cancel safety
    /// Calling again goes on waiting.
    pub(super) async fn ended(&self) {
        loop {
            let Some(thread) = self.0.lock().pop() else {
                return;
            };
            let mut waiting = Ending { threads: self, thread: Some(thread) };
            if let Some(thread) = &mut waiting.thread {
                // Sent, or dropped by a thread that is gone: either way it has ended.
                drop((&mut thread.ended).await);
            }
            if let Some(OwnedThread { thread, .. }) = waiting.thread.take() {
                drop(thread.join());
            }
        }
    }
}

/// A thread that is waited for; if nobody waits any more, it is put back.
struct Ending<'a> {
    threads: &'a Threads,
    /// `None` once it has ended.
    thread: Option<OwnedThread>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.threads.0.lock().push(thread);
        }
    }
}

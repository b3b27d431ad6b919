//! [`HostThread`]: a named thread that can be waited for without blocking.

use std::thread;

use mlops_core::{Error, Result};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

/// A thread of the host, and how it tells that it has ended.
#[derive(Debug)]
pub(super) struct HostThread {
    thread: thread::JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

impl HostThread {
    /// Starts a thread with a runtime of its own, for the asynchronous calls it makes.
    pub(super) fn start(name: String, work: impl FnOnce(Runtime) + Send + 'static) -> Result<Self> {
        let threads = |error| Error::backend("threads", error);
        let runtime = Builder::new_current_thread().enable_time().build().map_err(threads)?;
        let (tell_ended, ended) = oneshot::channel();
        let run = move || {
            work(runtime);
            // The host may be gone already.
            tell_ended.send(()).ok();
        };
        let thread = thread::Builder::new().name(name).spawn(run).map_err(threads)?;
        Ok(Self { thread, ended })
    }

    /// Waits until it has ended. Once that is so, there is only [`join`](Self::join).
    pub(super) async fn ended(&mut self) {
        // Sent, or dropped by a thread that is gone: either way it has ended.
        drop((&mut self.ended).await);
    }

    /// Blocks, if it has not ended.
    pub(super) fn join(self) {
        drop(self.thread.join());
    }
}

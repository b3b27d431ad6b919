//! [`MonitorWorker`]: a thread that collects.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use mlops_core::{
    Error, Result,
    clock::{Clock, Signal},
};

use super::{CheckedWindow, Monitor};

/// A thread that checks a [`Monitor`]'s windows as they are closed, for hosts without a loop of their own.
///
/// Dropping it tells the thread to end; [`shutdown`](Self::shutdown) waits until it has.
#[derive(Debug)]
pub struct MonitorWorker {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: AtomicBool,
    signal: Arc<Signal>,
}

/// The longest period: a year, which no clock fails to add.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

impl MonitorWorker {
    /// Starts the thread `mlops-drift-monitor`, which [checks](Monitor::check) the monitor every so often and
    /// gives each closed window to `each`: to raise alerts, to write a report. It looks at the time of `clock`,
    /// which must be the one that predictions are stamped with.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a period of nothing or of more than a year, [`Error::Backend`] if the
    /// system starts no thread.
    pub fn start(
        monitor: Arc<Monitor>,
        clock: Arc<dyn Clock>,
        every: Duration,
        mut each: impl FnMut(CheckedWindow) + Send + 'static,
    ) -> Result<Self> {
        if every.is_zero() || every > LONGEST {
            let reason = format!("a monitor is not collected every {every:?}");
            return Err(Error::invalid("period", reason));
        }
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let work = move || {
            let mut due = clock.monotonic() + every;
            loop {
                // Read before looking, so that no request to stop is missed.
                let seen = stopped.signal.seen();
                let is_last = stopped.asked.load(Ordering::Acquire);
                if is_last || clock.monotonic() >= due {
                    match monitor.check(clock.wall()) {
                        Ok(windows) => windows.into_iter().for_each(&mut each),
                        Err(error) => tracing::error!(%error, "a window could not be compared"),
                    }
                    due = clock.monotonic() + every;
                }
                if is_last {
                    return;
                }
                clock.wait(&stopped.signal, seen, Some(due));
            }
        };
        let thread = thread::Builder::new()
            .name("mlops-drift-monitor".to_owned())
            .spawn(work)
            .map_err(|error| Error::backend("thread", error))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Checks the windows that are closed by now, and waits for the thread to end.
    ///
    /// # Errors
    /// [`Error::Backend`] if what the windows were given to has panicked.
    pub fn shutdown(mut self) -> Result<()> {
        self.stop.ask();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().map_err(|_panic| {
            let panicked = std::io::Error::other("what windows are given to has panicked");
            Error::backend("monitor thread", panicked)
        })
    }
}

impl Drop for MonitorWorker {
    fn drop(&mut self) {
        self.stop.ask();
    }
}

impl Stop {
    fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        self.signal.raise();
    }
}

//! What becomes of a session that is no longer fit to serve: it is dropped and opened anew.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use mlops_core::{
    Error,
    clock::{Clock, Signal},
};

use super::{leader::Leadership, run::Runner, shared::Shared};

/// Between the first two attempts; each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Opens a session in place of one that was lost, until that succeeds; `None` once the batcher is
/// closed. Blocks for as long as it takes.
pub(super) fn revive(shared: &Shared) -> Option<Runner> {
    let signal = Arc::new(Signal::default());
    let mut pause = FIRST_PAUSE;
    loop {
        match shared.opener.open() {
            Ok((session, runs)) => {
                shared.learn(&runs);
                shared.session_found();
                return Some(Runner::new(session));
            }
            Err(error) => {
                tracing::error!(
                    model = %shared.context.descriptor.id, error = error.report(), ?pause,
                    "a session could not be opened anew"
                );
                let until = shared.context.clock.monotonic() + pause;
                if !rest(shared, &signal, &error, until) {
                    return None;
                }
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// Waits until then; false if the batcher was closed.
fn rest(shared: &Shared, signal: &Arc<Signal>, error: &Error, until: Instant) -> bool {
    let clock = &shared.context.clock;
    shared.session_missing(signal, error);
    loop {
        let seen = signal.seen();
        if shared.state.lock().closed {
            return false;
        }
        if clock.monotonic() >= until {
            shared.rested(signal);
            return true;
        }
        clock.wait(signal, seen, Some(until));
    }
}

/// Does the same on a thread of its own and hands the session to the next caller: for sessions that
/// callers run, whose threads must not block.
pub(super) fn revive_elsewhere(shared: &Arc<Shared>) {
    let name = format!("{}#revive", shared.context.descriptor.id.name);
    let (own, (tell_ended, ended)) = (Arc::clone(shared), tokio::sync::oneshot::channel());
    let work = move || {
        if let Some(runner) = revive(&own) {
            // Dropping a leadership hands the session on.
            drop(Leadership::of(&own, runner));
        }
        drop(own);
        tell_ended.send(()).ok();
    };
    match thread::Builder::new().name(name).spawn(work) {
        Ok(thread) => shared.threads.add(thread, ended),
        Err(error) => {
            let error = Error::backend("threads", error);
            shared.session_missing(&Arc::new(Signal::default()), &error);
        }
    }
}

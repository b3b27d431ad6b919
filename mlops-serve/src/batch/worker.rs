//! A session on a thread of its own.

use std::sync::Arc;

use mlops_core::{clock::Signal, inference::InferenceSession};

use super::{
    policy::Decision,
    revive::revive,
    run::Runner,
    shared::{Shared, State, Taken},
};

/// Runs batches on one session until the batcher is closed and its queue empty.
pub(super) fn work(shared: &Shared, session: Box<dyn InferenceSession>) {
    let mut runner = Runner::new(session);
    let signal = Arc::new(Signal::default());
    while let Some(taken) = next(shared, &signal) {
        if runner.run_taken(shared, taken) {
            continue;
        }
        // Dropped first, on its own thread: there may be no memory for two.
        drop(runner);
        match revive(shared) {
            Some(revived) => runner = revived,
            None => return,
        }
    }
}

/// Waits for a batch; `None` once the batcher is closed and the queue empty.
fn next(shared: &Shared, signal: &Arc<Signal>) -> Option<Taken> {
    let clock = &shared.context.clock;
    loop {
        // Before looking at the state: a raise after the look ends the wait at once.
        let seen = signal.seen();
        let mut state = shared.state.lock();
        let deadline = match state.decide(&shared.policy, || clock.monotonic()) {
            Decision::Run { bucket, max_rows, release } => {
                let taken = shared.take(&mut state, bucket, max_rows, release, clock.monotonic());
                // What is left may be a batch for the next worker.
                let next = next_worker(&mut state, shared);
                drop(state);
                next.inspect(|worker| worker.raise());
                return Some(taken);
            }
            Decision::Idle if state.closed => return None,
            Decision::Idle => None,
            Decision::Hold { until } => {
                state.timer_set = true;
                Some(until)
            }
        };
        state.idle_workers.push(Arc::clone(signal));
        drop(state);
        clock.wait(signal, seen, deadline);
        let mut state = shared.state.lock();
        state.idle_workers.retain(|idle| !Arc::ptr_eq(idle, signal));
        if deadline.is_some() {
            state.timer_set = false;
        }
    }
}

/// The idle worker to wake for what is queued now, if one should be.
pub(super) fn next_worker(state: &mut State, shared: &Shared) -> Option<Arc<Signal>> {
    let clock = &shared.context.clock;
    match state.decide(&shared.policy, || clock.monotonic()) {
        Decision::Run { .. } => state.idle_workers.pop(),
        // One worker is enough to watch the time.
        Decision::Hold { .. } if !state.timer_set => state.idle_workers.pop(),
        Decision::Hold { .. } | Decision::Idle => None,
    }
}

//! Sessions that callers run themselves.
//!
//! A free session is owned by a [`Leadership`]: whoever holds one runs the next batch. A caller that
//! finds a session free leads at once; others queue and are either answered by the leader or, when
//! it is done, handed the leadership. Dropping a leadership, at whatever point a caller goes away,
//! hands it on: no session is ever lost and no request is left behind.

use std::sync::Arc;

use super::{
    demand::Waits,
    item::{Item, Reply, lost},
    queue::Ticket,
    queued::Queued,
    revive::revive_elsewhere,
    run::Runner,
    shared::{NoRoom, Shared, State},
    slot::{Caller, slot},
};
use mlops_core::{
    Result,
    clock::Clock,
    inference::{InferenceRequest, InferenceResponse},
};

/// The right, and the session, to run the next batch, which begins with `first`.
#[derive(Debug)]
pub(super) struct Leadership {
    shared: Arc<Shared>,
    /// `None` only once it has been handed on, or was lost.
    runner: Option<Runner>,
    first: Option<Box<Item>>,
}

/// What became of a request that came in.
enum Entered {
    Leads(Leadership),
    Waits(Ticket),
}

/// Answers a request, as a leader or by waiting for one.
pub(super) async fn predict(
    shared: &Arc<Shared>,
    request: InferenceRequest,
) -> Result<InferenceResponse> {
    let (responder, mut caller) = slot();
    let item = shared.check(request, responder)?;
    match shared.admit(item, |state, item| enter(shared, state, item)).await? {
        Entered::Leads(leadership) => leadership.lead(caller).await,
        Entered::Waits(ticket) => match Queued::new(shared, ticket, &mut caller).await {
            Some(Reply::Done(result)) => result,
            Some(Reply::Lead(mut leadership)) => {
                // The slot has carried the leadership; now it is for the answer.
                if let Some(first) = &mut leadership.first {
                    first.responder = caller.ask_again();
                }
                leadership.lead(caller).await
            }
            None => Err(lost()),
        },
    }
}

fn enter(shared: &Arc<Shared>, state: &mut State, item: Box<Item>) -> Result<Entered, NoRoom> {
    match state.free_runners.pop() {
        Some(runner) => Ok(Entered::Leads(Leadership {
            shared: Arc::clone(shared),
            runner: Some(runner),
            first: Some(item),
        })),
        None => shared.enqueue(state, item).map(Entered::Waits),
    }
}

impl Leadership {
    /// The right to run the next batch on this session, without one to begin with.
    pub(super) fn of(shared: &Arc<Shared>, runner: Runner) -> Self {
        Self { shared: Arc::clone(shared), runner: Some(runner), first: None }
    }

    /// Runs one batch and returns this caller's own answer.
    async fn lead(mut self, caller: Caller<Reply>) -> Result<InferenceResponse> {
        // Once, unless the batch is full already: callers that are ready to run get to queue, and so
        // into this batch.
        if !self.has_full_batch() {
            tokio::task::yield_now().await;
        }
        self.run();
        drop(self);
        match caller.await {
            Some(Reply::Done(result)) => result,
            // Nobody else knows of this slot.
            Some(Reply::Lead(_)) | None => Err(lost()),
        }
    }

    fn has_full_batch(&self) -> bool {
        let Some(first) = &self.first else {
            return true;
        };
        let queued = {
            let state = self.shared.state.lock();
            state.queue.bucket_of(first.key()).map_or(0, |bucket| state.queue.rows_of(bucket))
        };
        first.demand.rows + queued >= self.shared.policy.max_batch_size
    }

    fn run(&mut self) {
        let (Some(runner), Some(first)) = (&mut self.runner, self.first.take()) else {
            return;
        };
        let now = self.shared.context.clock.monotonic();
        let taken = self.shared.take_with(&mut self.shared.state.lock(), first, now);
        if !runner.run_taken(&self.shared, taken) {
            self.runner = None;
            revive_elsewhere(&self.shared);
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        // A first request that is still here belongs to a caller that went away: it is dropped.
        let Some(mut runner) = self.runner.take() else {
            return;
        };
        while let Some((mut item, session)) = self.shared.next_or_park(runner) {
            // The item's own slot carries it back to its caller, with the leadership.
            let responder = std::mem::take(&mut item.responder);
            let leadership =
                Self { shared: Arc::clone(&self.shared), runner: Some(session), first: Some(item) };
            let Err(Reply::Lead(mut unclaimed)) = responder.send(Reply::Lead(leadership)) else {
                return;
            };
            // The caller has gone. The session is taken back out, so that dropping what came back
            // does not come here again from within, and the next caller gets it.
            let Some(back) = unclaimed.runner.take() else {
                return;
            };
            runner = back;
        }
    }
}

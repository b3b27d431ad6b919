//! Sessions that callers run themselves.
//!
//! A free session is owned by a [`Leadership`]: whoever holds one runs the next batch. A caller that
//! finds a session free leads at once; others queue and are either answered by the leader or, when
//! it is done, handed the leadership. Dropping a leadership, at whatever point a caller goes away,
//! hands it on: no session is ever lost and no request is left behind.

use std::sync::Arc;

use mlops_core::{
    Result,
    inference::{InferenceRequest, InferenceResponse},
};
use tokio::sync::oneshot;

use super::{
    item::{Item, Reply, lost},
    run::Runner,
    shared::{Shared, State, Taken, answer_late},
};

/// The right, and the session, to run the next batch, which begins with `first`.
#[derive(Debug)]
pub(super) struct Leadership {
    shared: Arc<Shared>,
    /// `None` only once it has been handed on.
    runner: Option<Runner>,
    first: Option<Item>,
}

/// What became of a request that came in.
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, on the stack")]
enum Entered {
    Leads(Leadership),
    Waits,
}

/// Answers a request, as a leader or by waiting for one.
pub(super) async fn predict(
    shared: &Arc<Shared>,
    request: InferenceRequest,
) -> Result<InferenceResponse> {
    let (reply, answer) = oneshot::channel();
    let now = shared.context.clock.monotonic();
    let item = Item::admit(request, &shared.context.descriptor, now, reply)?;
    match shared.admit(item, |state, item| enter(shared, state, item)).await? {
        Entered::Leads(leadership) => leadership.lead(answer).await,
        Entered::Waits => match answer.await {
            Ok(Reply::Done(result)) => result,
            Ok(Reply::Lead(mut leadership)) => {
                // The channel has carried the leadership: the answer needs a new one.
                let (reply, answer) = oneshot::channel();
                if let Some(first) = &mut leadership.first {
                    first.reply = reply;
                }
                leadership.lead(answer).await
            }
            Err(_) => Err(lost()),
        },
    }
}

fn enter(shared: &Arc<Shared>, state: &mut State, item: Item) -> Result<Entered, Item> {
    match state.free_runners.pop() {
        Some(runner) => Ok(Entered::Leads(Leadership {
            shared: Arc::clone(shared),
            runner: Some(runner),
            first: Some(item),
        })),
        None => state.queue.push(item).map(|()| Entered::Waits),
    }
}

impl Leadership {
    /// Runs one batch and returns this caller's own answer.
    async fn lead(mut self, answer: oneshot::Receiver<Reply>) -> Result<InferenceResponse> {
        // Once, unless the batch is full already: callers that are ready to run get to queue, and so
        // into this batch.
        if !self.has_full_batch() {
            tokio::task::yield_now().await;
        }
        self.run();
        drop(self);
        match answer.await {
            Ok(Reply::Done(result)) => result,
            // Nobody else knows of this channel.
            Ok(Reply::Lead(_)) | Err(_) => Err(lost()),
        }
    }

    fn has_full_batch(&self) -> bool {
        let first = self.first.as_ref().map_or(0, |item| item.rows);
        let queued = self.shared.state.lock().queue.queued(false).rows;
        first + queued >= self.shared.policy.max_batch_size
    }

    fn run(&mut self) {
        let Some(runner) = &mut self.runner else {
            return;
        };
        let context = &self.shared.context;
        let now = context.clock.monotonic();
        let first = self.first.take();
        let late_first =
            first.as_ref().and_then(|item| item.deadline).is_some_and(|deadline| deadline <= now);
        let (first, expired) = if late_first { (None, first) } else { (first, None) };
        let Taken { batch, mut late } = self.shared.take(&mut self.shared.state.lock(), first, now);
        late.extend(expired);
        answer_late(late, now);
        let count = batch.len();
        if count > 0 {
            runner.run(context, batch);
        }
        self.shared.done(&mut self.shared.state.lock(), count);
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        // A first request that is still here belongs to a caller that went away: it is dropped.
        let Some(mut runner) = self.runner.take() else {
            return;
        };
        while let Some((mut item, session)) = self.shared.next_or_park(runner) {
            // The item's own channel carries it back to its caller, with the leadership.
            let (unused, _) = oneshot::channel();
            let reply = std::mem::replace(&mut item.reply, unused);
            let leadership =
                Self { shared: Arc::clone(&self.shared), runner: Some(session), first: Some(item) };
            let Err(Reply::Lead(mut unclaimed)) = reply.send(Reply::Lead(leadership)) else {
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

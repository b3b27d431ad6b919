//! One batch on one session: stack, run, check, split, answer.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error, Result,
    clock::Clock,
    inference::{InferenceResponse, InferenceSession, ModelDescriptor, RunOptions, Timings},
    tensor::NamedTensors,
};
use smallvec::{SmallVec, smallvec};

use super::{
    item::Item,
    observer::{BatchObserver, BatchRecord},
    shared::Batch,
    stack::{Stacker, check_rows, split_rows},
};

/// A session with what it needs to run batches. Moves between owners as one.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) session: Box<dyn InferenceSession>,
    stacker: Stacker,
}

/// What runs of one batcher have in common.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) descriptor: ModelDescriptor,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observers: Vec<Arc<dyn BatchObserver>>,
}

/// The outputs of each request of a run, in order, and where its time went.
struct Ran {
    outputs: Parts,
    timings: Timings,
}

type Parts = SmallVec<[NamedTensors; 1]>;

impl Runner {
    pub(super) fn new(session: Box<dyn InferenceSession>) -> Self {
        Self { session, stacker: Stacker::default() }
    }

    /// Runs the items as one batch and answers each, whatever panics on the way. Returns how long it
    /// took, if it succeeded at once.
    pub(super) fn run(&mut self, context: &RunContext, items: Batch) -> Option<Duration> {
        let run = AssertUnwindSafe(|| self.run_batch(context, items));
        catch_unwind(run).unwrap_or_else(|panic| {
            // Not the session, whose panics are answered: an observer, against its contract. Callers
            // that were not answered yet see their slot close.
            tracing::error!(message = panic_message(&*panic), "an observer of batches panicked");
            None
        })
    }

    /// If the batch fails, each item runs again alone: one bad request fails by itself.
    fn run_batch(&mut self, context: &RunContext, items: Batch) -> Option<Duration> {
        let claimed = context.clock.monotonic();
        match self.run_once(context, &items, claimed) {
            Ok(ran) => {
                let Timings { batching, inference, splitting, .. } = ran.timings;
                answer_all(context, items, ran, claimed);
                return Some(batching + inference + splitting);
            }
            Err(error) if items.len() == 1 => {
                items.into_iter().for_each(|item| item.answer(Err(error.clone())));
            }
            Err(_) => {
                for item in items {
                    if !item.is_abandoned() {
                        self.run_batch(context, vec![item]);
                    }
                }
            }
        }
        None
    }

    fn run_once(
        &mut self,
        context: &RunContext,
        items: &[Box<Item>],
        claimed: Instant,
    ) -> Result<Ran> {
        let rows = items.iter().map(|item| item.demand.rows).sum();
        let clock = &context.clock;
        let (mut stacked_at, mut ran_at) = (claimed, None);
        let result = (|| {
            let outputs = if let [only] = items {
                self.run_session(items, &only.inputs)?
            } else {
                let signature = &context.descriptor.signature;
                let inputs =
                    self.stacker.stack(signature, &items.iter().map(|item| &item.inputs))?;
                stacked_at = clock.monotonic();
                self.run_session(items, &inputs)?
            };
            ran_at = Some(clock.monotonic());
            if context.descriptor.max_batch_size.is_some() {
                check_rows(&outputs, rows)?;
            }
            split(outputs, items)
        })();
        // One request has nothing to split, and the clock costs more than that.
        let done_at = ran_at.filter(|_| items.len() == 1).unwrap_or_else(|| clock.monotonic());
        let ran_at = ran_at.unwrap_or(done_at);
        let mut timings = Timings::default();
        timings.batching = stacked_at.saturating_duration_since(claimed);
        timings.inference = ran_at.saturating_duration_since(stacked_at);
        timings.splitting = done_at.saturating_duration_since(ran_at);
        timings.batch_rows = rows;
        if !context.observers.is_empty() {
            let error = result.as_ref().err();
            let record = BatchRecord { requests: items.len(), rows, timings, error };
            context.observers.iter().for_each(|observer| observer.observe(&record));
        }
        Ok(Ran { outputs: result?, timings })
    }

    fn run_session(&mut self, items: &[Box<Item>], inputs: &NamedTensors) -> Result<NamedTensors> {
        let requested = items.first().and_then(|item| item.requested_outputs());
        let options = requested.map_or_else(RunOptions::default, |requested| {
            RunOptions::default().with_requested_outputs(requested.to_vec())
        });
        guarded(|| self.session.run(inputs, &options))
    }
}

/// Each request's part of a run's outputs.
fn split(outputs: NamedTensors, items: &[Box<Item>]) -> Result<Parts> {
    if items.len() == 1 {
        return Ok(smallvec![outputs]);
    }
    let mut start = 0;
    let parts = items.iter().map(|item| {
        let part = split_rows(&outputs, start, item.demand.rows);
        start += item.demand.rows;
        part
    });
    parts.collect()
}

fn answer_all(context: &RunContext, items: Batch, ran: Ran, claimed: Instant) {
    for (item, outputs) in items.into_iter().zip(ran.outputs) {
        let mut timings = ran.timings;
        timings.queue = claimed.saturating_duration_since(item.demand.arrived);
        timings.rows = item.demand.rows;
        let served_by = Arc::clone(&context.descriptor.id);
        item.answer(Ok(InferenceResponse::new(outputs, served_by).with_timings(timings)));
    }
}

/// A panic in a session as an error: the thread and the other callers live on.
fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        Err(Error::backend("session", format!("panicked: {}", panic_message(&*panic))))
    })
}

#[cold]
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

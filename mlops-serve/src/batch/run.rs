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

use super::{
    item::Item,
    observer::{BatchObserver, BatchRecord},
    stack::{Stacker, check_rows, split},
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

/// Outputs of a run, and where its time went.
struct Ran {
    outputs: NamedTensors,
    batching: Duration,
    inference: Duration,
}

impl Runner {
    pub(super) fn new(session: Box<dyn InferenceSession>) -> Self {
        Self { session, stacker: Stacker::default() }
    }

    /// Runs the items as one batch and answers each, whatever panics on the way.
    pub(super) fn run(&mut self, context: &RunContext, items: Vec<Item>) {
        let run = AssertUnwindSafe(|| self.run_batch(context, items));
        if let Err(panic) = catch_unwind(run) {
            // Not the session, whose panics are answered: an observer, against its contract. Callers
            // that were not answered yet see their channel close.
            tracing::error!(message = panic_message(&*panic), "an observer of batches panicked");
        }
    }

    /// If the batch fails, each item runs again alone: one bad request fails by itself.
    fn run_batch(&mut self, context: &RunContext, items: Vec<Item>) {
        let claimed = context.clock.monotonic();
        match self.run_once(context, &items, claimed) {
            Ok(ran) => answer_all(context, items, &ran, claimed),
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
    }

    fn run_once(&mut self, context: &RunContext, items: &[Item], claimed: Instant) -> Result<Ran> {
        let signature = &context.descriptor.signature;
        let rows = items.iter().map(|item| item.rows).sum();
        let batched = context.descriptor.max_batch_size.is_some();
        let mut stacked_at = claimed;
        let result = (|| {
            let options = items
                .first()
                .and_then(Item::requested_outputs)
                .map_or_else(RunOptions::default, |requested| {
                    RunOptions::default().with_requested_outputs(requested.to_vec())
                });
            let outputs = if let [only] = items {
                guarded(|| self.session.run(&only.inputs, &options))?
            } else {
                let inputs =
                    self.stacker.stack(signature, &items.iter().map(|item| &item.inputs))?;
                stacked_at = context.clock.monotonic();
                guarded(|| self.session.run(&inputs, &options))?
            };
            if batched {
                check_rows(&outputs, rows)?;
            }
            Ok(outputs)
        })();
        let batching = stacked_at.saturating_duration_since(claimed);
        let inference = context.clock.monotonic().saturating_duration_since(stacked_at);
        if !context.observers.is_empty() {
            let error = result.as_ref().err();
            let record = BatchRecord { requests: items.len(), rows, batching, inference, error };
            context.observers.iter().for_each(|observer| observer.observe(&record));
        }
        Ok(Ran { outputs: result?, batching, inference })
    }
}

fn answer_all(context: &RunContext, items: Vec<Item>, ran: &Ran, claimed: Instant) {
    let batch_rows = items.iter().map(|item| item.rows).sum();
    let alone = items.len() == 1;
    let mut start = 0;
    for item in items {
        let outputs =
            if alone { Ok(ran.outputs.clone()) } else { split(&ran.outputs, start, item.rows) };
        start += item.rows;
        let mut timings = Timings::default();
        timings.queue = claimed.saturating_duration_since(item.queued);
        timings.batching = ran.batching;
        timings.inference = ran.inference;
        timings.batch_rows = batch_rows;
        let served_by = Arc::clone(&context.descriptor.id);
        item.answer(
            outputs.map(|outputs| InferenceResponse::new(outputs, served_by).with_timings(timings)),
        );
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

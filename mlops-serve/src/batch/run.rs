//! One batch on one session: stack, run, check, split, answer.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    clock::Clock,
    inference::{
        CancelHandle, InferenceResponse, InferenceSession, ModelDescriptor, RunOptions, Timings,
    },
    tensor::NamedTensors,
};
use smallvec::{SmallVec, smallvec};

use super::{
    item::Item,
    observer::{BatchObserver, BatchRecord, Release},
    opener::Opener,
    shared::Batch,
    stack::{Layout, Stacker, check_rows, split_rows},
};

/// A session with what it needs to run batches. Moves between owners as one.
#[derive(Debug)]
pub(super) struct Runner {
    session: Box<dyn InferenceSession>,
    stacker: Stacker,
    /// Batches in a row of which nothing succeeded.
    failures: u32,
}

/// What runs of one batcher have in common.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) descriptor: ModelDescriptor,
    pub(super) layout: Layout,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observers: Vec<Arc<dyn BatchObserver>>,
}

/// The outputs of each request of a run, in order, and where its time went.
struct Ran {
    outputs: Parts,
    timings: Timings,
}

type Parts = SmallVec<[NamedTensors; 1]>;

/// What became of a batch, for the scheduler to learn from.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How long it took, if it succeeded as a whole.
    pub(super) took: Option<Duration>,
    /// What the smallest batch cost that was too large for the memory there is.
    pub(super) ran_out_of_memory: Option<usize>,
    cancel: Option<CancelHandle>,
    runs: usize,
    succeeded: usize,
    failed: usize,
    panicked: bool,
}

/// Batches in a row of which nothing succeeds before the session is checked.
const FAILURES: u32 = 5;

impl Runner {
    pub(super) fn new(session: Box<dyn InferenceSession>) -> Self {
        Self { session, stacker: Stacker::default(), failures: 0 }
    }

    /// Runs the items as one batch and answers each, whatever panics on the way.
    ///
    /// `cancel` stops it, once all of its callers have gone.
    pub(super) fn run(
        &mut self,
        context: &RunContext,
        items: Batch,
        release: Release,
        cancel: Option<CancelHandle>,
    ) -> Report {
        let mut report = Report { cancel, ..Report::default() };
        let run = AssertUnwindSafe(|| {
            let fits_alone = self.run_batch(context, items, release, &mut report);
            if !fits_alone && report.succeeded == 0 && report.runs > 1 {
                // Nothing fits any more: whatever has taken the memory, small batches find out soonest.
                report.ran_out_of_memory = Some(1);
            }
        });
        if let Err(panic) = catch_unwind(run) {
            // Not the session, whose panics are answered: an observer, against its contract. Callers
            // that were not answered yet see their slot close.
            tracing::error!(message = panic_message(&*panic), "an observer of batches panicked");
        }
        report
    }

    /// Whether the session can go on after a batch like this. One that panicked cannot. One of which
    /// nothing succeeds any more is tried on inputs that are known to be good: if it takes those, it was
    /// the requests that were bad.
    pub(super) fn is_fit(&mut self, report: &Report, opener: &Opener) -> bool {
        if report.panicked {
            return false;
        }
        if report.succeeded > 0 {
            self.failures = 0;
        } else if report.failed > 0 {
            self.failures += 1;
        }
        if self.failures < FAILURES {
            return true;
        }
        self.failures = 0;
        let session = &mut *self.session;
        guarded(|| opener.prepare(session)).0.is_ok()
    }

    /// If the batch fails, each half of it runs again: one bad request fails by itself, after at most
    /// 2*n* − 1 runs.
    ///
    /// Returns whether each of its requests fits into memory by itself. A batch with one that does not
    /// says nothing about how large batches may be.
    fn run_batch(
        &mut self,
        context: &RunContext,
        mut items: Batch,
        release: Release,
        report: &mut Report,
    ) -> bool {
        let claimed = context.clock.monotonic();
        report.runs += 1;
        let error = match self.run_once(context, &items, release, claimed, report) {
            Ok(ran) => {
                if report.runs == 1 {
                    let Timings { batching, inference, splitting, .. } = ran.timings;
                    report.took = Some(batching + inference + splitting);
                }
                report.succeeded += items.len();
                answer_all(context, items, ran, claimed);
                return true;
            }
            Err(error) => error,
        };
        if matches!(error, Error::Cancelled) {
            // Everybody has gone, and nothing is wrong with what was run.
            items.into_iter().for_each(|item| item.answer(Err(Error::Cancelled)));
            return true;
        }
        let ran_out_of_memory = matches!(error, Error::OutOfMemory { .. });
        if items.len() == 1 {
            report.failed += 1;
            items.into_iter().for_each(|item| item.answer(Err(error.clone())));
            return !ran_out_of_memory;
        }
        let cost = items.iter().map(|item| item.demand.cost).sum();
        let behind = items.split_off(items.len() / 2);
        let mut fits_alone = true;
        for half in [items, behind] {
            let wanted = still_wanted(half, context.clock.monotonic());
            if !wanted.is_empty() {
                fits_alone &= self.run_batch(context, wanted, Release::Retry, report);
            }
        }
        if ran_out_of_memory && fits_alone {
            report.ran_out_of_memory =
                Some(report.ran_out_of_memory.map_or(cost, |least| least.min(cost)));
        }
        fits_alone
    }

    fn run_once(
        &mut self,
        context: &RunContext,
        items: &[Box<Item>],
        release: Release,
        claimed: Instant,
        report: &mut Report,
    ) -> Result<Ran> {
        let rows = items.iter().map(|item| item.demand.rows).sum();
        let clock = &context.clock;
        // One request that needs no padding is run as it is.
        let is_complete =
            items.len() == 1 && context.layout.is_complete(&items[0].inputs, items[0].demand.rows);
        let (mut stacked_at, mut ran_at) = (claimed, None);
        let is_watched = !context.observers.is_empty();
        let (mut input_bytes, mut padding_bytes) = (0, 0);
        let result = (|| {
            let outputs = if is_complete {
                if is_watched {
                    input_bytes = dense_bytes(&items[0].inputs, &items[0].inputs);
                }
                self.run_session(items, &items[0].inputs, report)?
            } else {
                let requests = items.iter().map(|item| &item.inputs);
                let inputs = self.stacker.stack(&context.layout, &requests)?;
                if is_watched {
                    input_bytes = dense_bytes(&inputs, &items[0].inputs);
                    let real: usize = requests.map(|request| dense_bytes(request, request)).sum();
                    padding_bytes = input_bytes.saturating_sub(real);
                }
                stacked_at = clock.monotonic();
                self.run_session(items, &inputs, report)?
            };
            ran_at = Some(clock.monotonic());
            if context.descriptor.max_batch_size.is_some() {
                check_rows(&outputs, context.layout.batch_rows(rows))?;
            }
            if is_complete {
                Ok(smallvec![outputs])
            } else {
                split(&context.layout, &outputs, items)
            }
        })();
        // One request has nothing to split, and the clock costs more than that.
        let done_at = ran_at.filter(|_| is_complete).unwrap_or_else(|| clock.monotonic());
        let ran_at = ran_at.unwrap_or(done_at);
        let mut timings = Timings::default();
        timings.batching = stacked_at.saturating_duration_since(claimed);
        timings.inference = ran_at.saturating_duration_since(stacked_at);
        timings.splitting = done_at.saturating_duration_since(ran_at);
        timings.batch_rows = rows;
        if is_watched {
            let error = result.as_ref().err();
            let requests = items.len();
            let record =
                BatchRecord { requests, rows, release, input_bytes, padding_bytes, timings, error };
            context.observers.iter().for_each(|observer| observer.observe(&record));
        }
        Ok(Ran { outputs: result?, timings })
    }

    fn run_session(
        &mut self,
        items: &[Box<Item>],
        inputs: &NamedTensors,
        report: &mut Report,
    ) -> Result<NamedTensors> {
        let mut options = RunOptions::default();
        if let Some(requested) = items.first().and_then(|item| item.requested_outputs()) {
            options = options.with_requested_outputs(requested.to_vec());
        }
        if let Some(cancel) = &report.cancel {
            options = options.with_cancel(cancel.clone());
        }
        let (result, panicked) = guarded(|| self.session.run(inputs, &options));
        report.panicked |= panicked;
        result
    }
}

/// Bytes of the inputs that requests have: a mask is made here, and byte strings have no fixed size.
fn dense_bytes(inputs: &NamedTensors, requested: &NamedTensors) -> usize {
    let dense = requested.iter().filter_map(|(name, _)| inputs.get(name)?.bytes());
    dense.map(Bytes::len).sum()
}

/// Without those whose callers have gone; those that are too late by now are answered.
fn still_wanted(items: Batch, now: Instant) -> Batch {
    let (late, wanted): (Batch, Batch) = items
        .into_iter()
        .filter(|item| !item.is_abandoned())
        .partition(|item| item.demand.is_late(now));
    late.into_iter().for_each(|item| item.answer_late(now));
    wanted
}

/// Each request's part of a run's outputs.
fn split(layout: &Layout, outputs: &NamedTensors, items: &[Box<Item>]) -> Result<Parts> {
    let mut start = 0;
    let parts = items.iter().map(|item| {
        let part = split_rows(layout, outputs, start, item.demand.rows, &item.inputs);
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

/// A panic in a session as an error, and whether it was one: the thread and the other callers live on.
fn guarded<T>(run: impl FnOnce() -> Result<T>) -> (Result<T>, bool) {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => (result, false),
        Err(panic) => {
            let message = format!("panicked: {}", panic_message(&*panic));
            (Err(Error::backend("session", message)), true)
        }
    }
}

#[cold]
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

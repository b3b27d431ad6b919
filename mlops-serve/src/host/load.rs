//! The threads that load: reserve memory, load, check, publish.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use mlops_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    inference::{CancelHandle, Predict},
    model::{ModelId, ModelVersion},
};
use tokio::{runtime::Runtime, sync::oneshot};

use super::{
    compatible::check_compatible,
    drain::{Drains, Origin, Running},
    golden::GoldenCheck,
    loader::ModelLoader,
    memory::Reservation,
    shared::{Job, Next, Shared},
    update::SignatureChange,
};

/// An update under way: a future of how it ended.
///
/// # Cancel safety
/// Dropping it cancels the update, which has then happened as a whole or not at all. What was loaded
/// for it already is thrown away.
#[derive(Debug)]
#[must_use = "dropping it cancels the load"]
pub struct Loading {
    cancel: CancelHandle,
    answer: oneshot::Receiver<Result<()>>,
}

impl Loading {
    pub(super) fn new(cancel: CancelHandle, answer: oneshot::Receiver<Result<()>>) -> Self {
        Self { cancel, answer }
    }
}

impl Future for Loading {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let lost = || Err(Error::backend("model host", "the thread that loads is gone"));
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or_else(|_| lost()))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Loads for one device until the host is closed.
pub(super) fn work(shared: &Shared, device: &str, drains: &Drains, runtime: &Runtime) {
    loop {
        // Before looking: a raise after the look ends the wait at once.
        let seen = shared.work.seen();
        match shared.next_job(device) {
            Next::Load(job) => {
                let worker = Worker { shared, drains, runtime, job: &job };
                let result = job.span.in_scope(|| worker.run());
                shared.finish(job, result);
            }
            Next::Wait => SystemClock.wait(&shared.work, seen, None),
            Next::End => return,
        }
    }
}

/// One update on its thread.
struct Worker<'a> {
    shared: &'a Shared,
    drains: &'a Drains,
    runtime: &'a Runtime,
    job: &'a Job,
}

impl Worker<'_> {
    fn run(&self) -> Result<()> {
        let mut loaded = BTreeMap::new();
        let result =
            self.load_all(&mut loaded).and_then(|()| self.shared.publish(self.job, &mut loaded));
        // What is left was not published. It is gone before anybody is told, so that trying again
        // finds its memory free.
        for (_, model) in loaded {
            let gone = self.drains.send(model, Origin::Discarded);
            drop(self.runtime.block_on(gone));
        }
        result
    }

    fn load_all(&self, loaded: &mut BTreeMap<ModelVersion, Running>) -> Result<()> {
        let update = &self.job.update;
        let contract = self.shared.contract(update)?;
        for (version, loader) in &update.load {
            let id = ModelId::new(update.name.clone(), *version);
            let (model, check) = self.load(&id, &**loader)?;
            let model = loaded.entry(*version).or_insert(model);
            let descriptor = model.served.predict.descriptor();
            if *descriptor.id != id {
                let reason = format!("asked for `{id}`, it loaded `{}`", descriptor.id);
                return Err(Error::invalid("model loader", reason));
            }
            if let Some((old_id, old)) = &contract
                && update.signature == SignatureChange::Refuse
            {
                check_compatible((old_id, old), (&id, &descriptor.signature))?;
            }
            if let Some((model, check)) = check {
                let run = check.run_until(&*model, &self.job.cancel);
                guarded(|| self.runtime.block_on(run))?;
            }
        }
        Ok(())
    }

    fn load(&self, id: &ModelId, loader: &dyn ModelLoader) -> Result<(Running, Check)> {
        let bytes = guarded(|| loader.memory_bytes())?;
        let reservation = self.reserve(id, bytes)?;
        let mut model = guarded(|| loader.load(id, &self.job.cancel))?;
        let check = model.check.take();
        Ok((Running::new(model, reservation), check))
    }

    /// Waits for memory if some will come back, and for models to go if many are on their way out;
    /// ends what need not run.
    fn reserve(&self, id: &ModelId, bytes: u64) -> Result<Reservation> {
        let Self { shared, job, .. } = self;
        let released = Arc::clone(&shared.ledger.released);
        let _wake = job.cancel.on_cancel(move || released.raise());
        loop {
            let seen = shared.ledger.released.seen();
            if job.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if shared.ledger.draining_models(&job.device) >= shared.options.max_draining {
                SystemClock.wait(&shared.ledger.released, seen, None);
                continue;
            }
            let shortage = match shared.ledger.try_reserve(&job.device, bytes) {
                Ok(reservation) => return Ok(reservation),
                Err(shortage) => shortage,
            };
            if !shared.make_room(job, shortage) {
                return Err(shortage.into_error(id, &job.device));
            }
            SystemClock.wait(&shared.ledger.released, seen, None);
        }
    }
}

/// A panic in a loader, or in what it loaded, as an error: the thread lives on.
fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_panic| Err(Error::backend("model loader", "it panicked")))
}

type Check = Option<(Arc<dyn Predict>, GoldenCheck)>;

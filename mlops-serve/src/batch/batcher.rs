//! [`Batcher`].

use std::{
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    inference::{
        Affinity, InferenceRequest, InferenceResponse, InferenceSession, ModelDescriptor, Predict,
        SessionFactory,
    },
    model::ModelId,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    item::{Item, Reply},
    leader,
    observer::BatchObserver,
    options::{BatcherOptions, Batching, Placement},
    policy::BatchPolicy,
    queue::QueueLimits,
    run::{RunContext, Runner},
    shared::Shared,
    worker::{self, next_worker},
};
use crate::warm_up::WarmUp;

/// Below this, a full batch takes less than waking a thread would.
const CALLER_RUNS_BELOW: Duration = Duration::from_micros(50);

/// A model that answers many callers with few runs.
///
/// ```no_run
/// use std::sync::Arc;
/// use mlops_core::{inference::{InferenceRequest, Predict}, model::ModelId};
/// use mlops_serve::batch::{Batcher, BatcherOptions};
///
/// # async fn example(factory: Arc<dyn mlops_core::inference::SessionFactory>, inputs: mlops_core::tensor::NamedTensors) -> mlops_core::Result<()> {
/// let id = ModelId::new("digits".parse()?, "1".parse()?);
/// let batcher = Batcher::start(id, factory, BatcherOptions::default())?;
/// let response = batcher.predict(InferenceRequest::new(inputs)).await?;
/// println!("{:?} in a batch of {} rows", response.outputs, response.timings.batch_rows);
/// batcher.shutdown(std::time::Duration::from_secs(10)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Dropping
/// Dropping a batcher closes it without waiting: its threads finish what they run and end by
/// themselves. [`shutdown`](Self::shutdown) waits for them.
pub struct Batcher {
    shared: Arc<Shared>,
    placement: Placement,
    threads: Mutex<Vec<Worker>>,
}

/// A thread, and how it tells that its session is gone.
struct Worker {
    thread: thread::JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

/// What a batcher has to do at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BatcherLoad {
    /// Requests that wait.
    pub queued_requests: usize,
    /// Bytes of inputs that wait.
    pub queued_bytes: usize,
    /// Requests in batches that run.
    pub running_requests: usize,
}

/// How to start a batcher with more than options.
#[derive(Debug)]
#[must_use]
pub struct BatcherBuilder {
    id: ModelId,
    factory: Arc<dyn SessionFactory>,
    options: BatcherOptions,
    clock: Arc<dyn Clock>,
    observers: Vec<Arc<dyn BatchObserver>>,
    warm_up: WarmUp,
}

impl BatcherBuilder {
    /// Takes the time from `clock`.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Shows every batch to `observer`.
    pub fn observer(mut self, observer: Arc<dyn BatchObserver>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Sets what every session runs before it serves; zeros by default.
    pub fn warm_up(mut self, warm_up: WarmUp) -> Self {
        self.warm_up = warm_up;
        self
    }

    /// Opens the sessions, warms them up and starts the threads. Blocks until all are ready.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for options that contradict one another or the model, and whatever
    /// kept a session from being opened or warmed up.
    pub fn start(self) -> Result<Batcher> {
        self.options.check()?;
        // The first session is opened here: its signature decides how the others are run.
        let first = self.factory.open()?;
        match first.affinity() {
            Affinity::AnyThread => self.start_with(first),
            Affinity::OneThread if self.options.placement == Placement::CallerRuns => {
                let reason = "the session is bound to one thread: callers cannot run it";
                Err(Error::invalid("placement", reason))
            }
            Affinity::OneThread => {
                let facts = Facts::of(&*first);
                drop(first);
                self.start_threads(&facts, None)
            }
        }
    }

    fn start_with(self, mut first: Box<dyn InferenceSession>) -> Result<Batcher> {
        let facts = Facts::of(&*first);
        let caller_runs = match self.options.placement {
            Placement::CallerRuns => true,
            Placement::Thread => false,
            Placement::Auto if !self.options.max_queue_delay.is_zero() => false,
            Placement::Auto => {
                let rows = self.descriptor(&facts).max_batch_size.unwrap_or(1);
                let time = self.warm_up.time_of_a_batch(&mut *first, rows, &*self.clock);
                time.is_some_and(|time| time < CALLER_RUNS_BELOW)
            }
        };
        if !caller_runs {
            return self.start_threads(&facts, Some(first));
        }
        let rows = self.descriptor(&facts).max_batch_size.unwrap_or(1);
        let mut sessions = vec![first];
        for _ in 1..self.options.instances {
            sessions.push(self.factory.open()?);
        }
        for session in &mut sessions {
            facts.check(&**session)?;
            self.warm_up.run(&mut **session, rows)?;
        }
        let runners = sessions.into_iter().map(Runner::new).collect();
        let shared = Arc::new(self.into_shared(&facts, runners));
        Ok(Batcher { shared, placement: Placement::CallerRuns, threads: Mutex::default() })
    }

    fn start_threads(
        self,
        facts: &Facts,
        mut first: Option<Box<dyn InferenceSession>>,
    ) -> Result<Batcher> {
        let (factory, warm_up) = (Arc::clone(&self.factory), self.warm_up.clone());
        let (instances, id) = (self.options.instances, self.id.clone());
        let shared = Arc::new(self.into_shared(facts, Vec::new()));
        // From here on, dropping the batcher ends the threads that were started.
        let batcher = Batcher {
            shared: Arc::clone(&shared),
            placement: Placement::Thread,
            threads: Mutex::default(),
        };
        let rows = shared.context.descriptor.max_batch_size.unwrap_or(1);
        let (ready, when_ready) = mpsc::channel();
        for instance in 0..instances {
            let (shared, ready, facts) = (Arc::clone(&shared), ready.clone(), facts.clone());
            let (factory, warm_up, session) = (Arc::clone(&factory), warm_up.clone(), first.take());
            let (tell_ended, ended) = oneshot::channel();
            let run = move || {
                let opened = worker::open(&*factory, session).and_then(|mut session| {
                    facts.check(&*session)?;
                    warm_up.run(&mut *session, rows)?;
                    Ok(session)
                });
                // The starter may be gone already, because another instance failed.
                match opened {
                    Ok(session) => {
                        ready.send(Ok(())).ok();
                        drop(ready);
                        worker::work(&shared, session);
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
                tell_ended.send(()).ok();
            };
            let thread = thread::Builder::new()
                .name(format!("{}#{instance}", id.name))
                .spawn(run)
                .map_err(|error| Error::backend("threads", error))?;
            batcher.threads.lock().push(Worker { thread, ended });
        }
        drop(ready);
        when_ready.iter().collect::<Result<()>>()?;
        Ok(batcher)
    }

    fn into_shared(self, facts: &Facts, runners: Vec<Runner>) -> Shared {
        let descriptor = self.descriptor(facts);
        let policy = BatchPolicy {
            // Without a batch axis every request is a batch.
            max_batch_size: descriptor.max_batch_size.unwrap_or(1),
            max_queue_delay: self.options.max_queue_delay,
        };
        let limits = QueueLimits {
            max_requests: self.options.max_queued_requests,
            max_bytes: self.options.max_queued_bytes,
        };
        let context = RunContext { descriptor, clock: self.clock, observers: self.observers };
        Shared::new(context, policy, limits, self.options.on_full, runners)
    }

    fn descriptor(&self, facts: &Facts) -> ModelDescriptor {
        let id = Arc::new(self.id.clone());
        let signature = Arc::clone(&facts.signature);
        let batches = self.options.batching == Batching::Auto && signature.is_batchable();
        let descriptor = ModelDescriptor::new(id, signature, &*facts.platform);
        if batches {
            descriptor.with_max_batch_size(self.options.max_batch_size)
        } else {
            descriptor
        }
    }
}

/// What all sessions of a batcher must agree on.
#[derive(Debug, Clone)]
struct Facts {
    signature: Arc<mlops_core::signature::ModelSignature>,
    platform: Arc<str>,
}

impl Facts {
    fn of(session: &dyn InferenceSession) -> Self {
        Self { signature: Arc::clone(session.signature()), platform: session.platform().into() }
    }

    fn check(&self, session: &dyn InferenceSession) -> Result<()> {
        if *session.signature() == self.signature {
            return Ok(());
        }
        let reason = format!(
            "it opened a session of {} after one of {}",
            session.signature(),
            self.signature
        );
        Err(Error::invalid("session factory", reason))
    }
}

impl Batcher {
    /// Opens the sessions, warms them up with zeros and starts the threads. Blocks until all are
    /// ready.
    ///
    /// # Errors
    /// As [`BatcherBuilder::start`].
    pub fn start(
        id: ModelId,
        factory: impl SessionFactory,
        options: BatcherOptions,
    ) -> Result<Self> {
        Self::builder(id, factory, options).start()
    }

    /// A batcher to be started with more than options.
    pub fn builder(
        id: ModelId,
        factory: impl SessionFactory,
        options: BatcherOptions,
    ) -> BatcherBuilder {
        BatcherBuilder {
            id,
            factory: Arc::new(factory),
            options,
            clock: Arc::new(SystemClock),
            observers: Vec::new(),
            warm_up: WarmUp::default(),
        }
    }

    /// Who runs the sessions: [`Placement::Thread`] or [`Placement::CallerRuns`].
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// What there is to do right now.
    #[must_use]
    pub fn load(&self) -> BatcherLoad {
        let state = self.shared.state.lock();
        BatcherLoad {
            queued_requests: state.queue.len(),
            queued_bytes: state.queue.size_bytes(),
            running_requests: state.running(),
        }
    }

    /// Accepts no more requests, answers those it has, and ends its threads.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`] if requests were still queued after `grace`: they were answered
    /// with [`Error::Closed`]. What runs is always waited for.
    ///
    /// # Cancel safety
    /// The batcher stays closed; calling again goes on waiting.
    pub async fn shutdown(&self, grace: Duration) -> Result<()> {
        let started = Instant::now();
        self.shared.close();
        let in_time = tokio::time::timeout(grace, self.shared.drained()).await.is_ok();
        let abandoned = if in_time { 0 } else { self.shared.abandon_queue() };
        self.shared.drained().await;
        let workers = std::mem::take(&mut *self.threads.lock());
        for worker in workers {
            // Sent, or dropped by a thread that is gone: either way it has ended.
            drop(worker.ended.await);
            drop(worker.thread.join());
        }
        if abandoned > 0 {
            return Err(Error::DeadlineExceeded { elapsed: started.elapsed() });
        }
        Ok(())
    }

    async fn answer(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        if self.placement == Placement::CallerRuns {
            return leader::predict(&self.shared, request).await;
        }
        let shared = &*self.shared;
        let (reply, answer) = oneshot::channel();
        let now = shared.context.clock.monotonic();
        let item = Item::admit(request, &shared.context.descriptor, now, reply)?;
        let worker = shared
            .admit(item, |state, item| {
                state.queue.push(item)?;
                Ok(next_worker(state, shared))
            })
            .await?;
        if let Some(worker) = worker {
            worker.raise();
        }
        match answer.await {
            Ok(Reply::Done(result)) => result,
            Ok(Reply::Lead(_)) | Err(_) => Err(Error::Closed { what: "batcher" }),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Predict for Batcher {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.shared.context.descriptor
    }

    /// A request with a deadline needs tokio's time driver.
    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let Some(deadline) = request.deadline else {
            return self.answer(request).await;
        };
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::invalid(
                "deadline",
                "it needs a tokio runtime with its time driver",
            ));
        }
        let started = self.shared.context.clock.monotonic();
        match tokio::time::timeout_at(deadline.into(), self.answer(request)).await {
            Ok(result) => result,
            Err(_) => {
                let now = self.shared.context.clock.monotonic();
                Err(Error::DeadlineExceeded { elapsed: now.saturating_duration_since(started) })
            }
        }
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Display for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batcher({})", self.descriptor().id)
    }
}

impl fmt::Debug for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("descriptor", self.descriptor())
            .field("placement", &self.placement)
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

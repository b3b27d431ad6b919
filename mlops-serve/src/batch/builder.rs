//! [`BatcherBuilder`].

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use mlops_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    inference::{Affinity, InferenceSession, ModelDescriptor, SessionFactory},
    model::ModelId,
};
use tokio::sync::oneshot;

use super::{
    batcher::Batcher,
    bucket::BucketRule,
    demand::Urgency,
    item::Admission,
    observer::BatchObserver,
    opener::{Facts, Opener},
    options::{BatcherOptions, Batching, Placement, PriorityOptions},
    policy::BatchPolicy,
    queue::QueueLimits,
    run::{RunContext, Runner},
    shared::{AdmissionLimits, Shared},
    worker,
};
use crate::warm_up::WarmUp;

/// Below this, a full batch takes less than waking a thread would.
const CALLER_RUNS_BELOW: Duration = Duration::from_micros(50);

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
    pub(super) fn new(
        id: ModelId,
        factory: Arc<dyn SessionFactory>,
        options: BatcherOptions,
    ) -> Self {
        Self {
            id,
            factory,
            options,
            clock: Arc::new(SystemClock),
            observers: Vec::new(),
            warm_up: WarmUp::default(),
        }
    }

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
        let (instances, opener) = (self.options.instances, self.opener(&facts));
        let mut runs = opener.prepare(&mut *first)?;
        let mut runners = vec![Runner::new(first)];
        for _ in 1..instances {
            let (session, more) = opener.open()?;
            runners.push(Runner::new(session));
            runs.extend(more);
        }
        let shared = Arc::new(self.into_shared(opener, runners));
        shared.learn(&runs);
        Ok(Batcher::new(shared, Placement::CallerRuns))
    }

    fn start_threads(
        self,
        facts: &Facts,
        mut first: Option<Box<dyn InferenceSession>>,
    ) -> Result<Batcher> {
        let (instances, id) = (self.options.instances, self.id.clone());
        let opener = self.opener(facts);
        let shared = Arc::new(self.into_shared(opener, Vec::new()));
        // From here on, dropping the batcher ends the threads that were started.
        let batcher = Batcher::new(Arc::clone(&shared), Placement::Thread);
        let (ready, when_ready) = mpsc::channel();
        for instance in 0..instances {
            let (shared, ready, session) = (Arc::clone(&shared), ready.clone(), first.take());
            let (own, (tell_ended, ended)) = (Arc::clone(&shared), oneshot::channel());
            let run = move || {
                let opened = match session {
                    None => own.opener.open(),
                    Some(mut session) => {
                        own.opener.prepare(&mut *session).map(|runs| (session, runs))
                    }
                };
                // The starter may be gone already, because another instance failed.
                match opened {
                    Ok((session, runs)) => {
                        own.learn(&runs);
                        ready.send(Ok(())).ok();
                        drop(ready);
                        worker::work(&own, session);
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
                tell_ended.send(()).ok();
            };
            let thread = thread::Builder::new()
                .name(format!("{}#{instance}", id.name))
                .spawn(run)
                .map_err(|error| Error::backend("threads", error))?;
            shared.owns(thread, ended);
        }
        drop(ready);
        let opened = when_ready.iter().collect::<Result<Vec<()>>>()?.len();
        if opened < instances {
            return Err(Error::backend("session factory", "it panicked while opening a session"));
        }
        Ok(batcher)
    }

    fn opener(&self, facts: &Facts) -> Opener {
        Opener {
            factory: Arc::clone(&self.factory),
            warm_up: self.warm_up.clone(),
            max_rows: self.descriptor(facts).max_batch_size.unwrap_or(1),
            facts: facts.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn into_shared(self, opener: Opener, runners: Vec<Runner>) -> Shared {
        let descriptor = self.descriptor(&opener.facts);
        let policy = BatchPolicy {
            // Without a batch axis every request is a batch.
            max_batch_size: descriptor.max_batch_size.unwrap_or(1),
            max_queue_delay: self.options.max_queue_delay,
            waiting: self.options.waiting,
            preferred_batch_sizes: {
                let mut sizes = self.options.preferred_batch_sizes;
                sizes.sort_unstable();
                sizes
            },
        };
        let limits = AdmissionLimits {
            queue: QueueLimits {
                max_requests: self.options.max_queued_requests,
                max_bytes: self.options.max_queued_bytes,
            },
            max_queued_time: self.options.max_queued_time,
            on_full: self.options.on_full,
        };
        let PriorityOptions { levels, default_level, aging } = self.options.priority;
        let admission = Admission {
            rule: BucketRule::new(&opener.facts.signature, self.options.batch_parameters),
            urgency: Urgency { levels, default_level, aging },
            max_cost: self.options.max_batch_cost.unwrap_or(usize::MAX),
        };
        let context = RunContext { descriptor, clock: self.clock, observers: self.observers };
        Shared::new(context, opener, admission, policy, limits, self.options.instances, runners)
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

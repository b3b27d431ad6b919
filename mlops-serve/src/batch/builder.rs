//! [`BatcherBuilder`].

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use mlops_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    inference::{Affinity, InferenceSession, ModelDescriptor, SessionFactory},
    model::ModelId,
    signature::{Dim, TensorSpec},
    tensor::TensorName,
};
use tokio::sync::oneshot;

use super::{
    batcher::Batcher,
    bucket::BucketRule,
    item::Admission,
    observer::BatchObserver,
    opener::{Facts, Opener},
    options::{BatcherOptions, Batching, Placement},
    policy::BatchPolicy,
    queue::QueueLimits,
    run::{RunContext, Runner},
    shared::{AdmissionLimits, Shared},
    stack::Layout,
    worker,
};
use crate::{
    threads::stay_on,
    warm_up::{InputShapes, WarmUp},
};

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
    labels: BTreeMap<TensorName, Arc<[Arc<str>]>>,
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
            labels: BTreeMap::new(),
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

    /// Names the classes along the last axis of an output.
    pub fn labels(
        mut self,
        output: impl Into<TensorName>,
        labels: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Self {
        self.labels.insert(output.into(), labels.into_iter().map(Into::into).collect());
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
                self.check(&facts)?;
                self.start_threads(&facts, None)
            }
        }
    }

    fn start_with(self, mut first: Box<dyn InferenceSession>) -> Result<Batcher> {
        let facts = Facts::of(&*first);
        self.check(&facts)?;
        let caller_runs = match self.options.placement {
            Placement::CallerRuns => true,
            Placement::Thread => false,
            Placement::Auto if !self.options.max_queue_delay.is_zero() => false,
            Placement::Auto if !self.options.cores.is_empty() => false,
            Placement::Auto => {
                let shapes = warm_up_shapes(&self.layout(&facts), self.max_rows(&facts));
                let time = self.warm_up.time_of_a_batch(&mut *first, &shapes, &*self.clock);
                time.is_some_and(|time| time < CALLER_RUNS_BELOW)
            }
        };
        if !caller_runs {
            // An engine's threads stay where the thread that opens the session does.
            let first = self.options.cores.is_empty().then_some(first);
            return self.start_threads(&facts, first);
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
        let cores = self.options.cores.clone();
        let opener = self.opener(facts);
        let shared = Arc::new(self.into_shared(opener, Vec::new()));
        // From here on, dropping the batcher ends the threads that were started.
        let batcher = Batcher::new(Arc::clone(&shared), Placement::Thread);
        let (ready, when_ready) = mpsc::channel();
        for instance in 0..instances {
            let (shared, ready, session) = (Arc::clone(&shared), ready.clone(), first.take());
            let (own, (tell_ended, ended)) = (Arc::clone(&shared), oneshot::channel());
            let cores = cores.get(instance).cloned();
            let run = move || {
                let settled = cores.map_or(Ok(()), |cores| stay_on(&cores));
                let opened = settled.and_then(|()| match session {
                    None => own.opener.open(),
                    Some(mut session) => {
                        own.opener.prepare(&mut *session).map(|runs| (session, runs))
                    }
                });
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
            shared.threads.add(thread, ended);
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
            shapes: warm_up_shapes(&self.layout(facts), self.max_rows(facts)),
            facts: facts.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn layout(&self, facts: &Facts) -> Layout {
        let mut allowed_batch_sizes = self.options.allowed_batch_sizes.clone();
        allowed_batch_sizes.sort_unstable();
        Layout {
            signature: Arc::clone(&facts.signature),
            padding: self.options.padding.clone(),
            allowed_batch_sizes,
        }
    }

    /// Rows of a full batch; 1 if requests are not stacked.
    fn max_rows(&self, facts: &Facts) -> usize {
        if self.batches(facts) { self.options.max_batch_size } else { 1 }
    }

    fn batches(&self, facts: &Facts) -> bool {
        self.options.batching == Batching::Auto && facts.signature.is_batchable()
    }

    /// Checks the options against the model.
    fn check(&self, facts: &Facts) -> Result<()> {
        let shapes =
            !self.options.padding.is_empty() || !self.options.allowed_batch_sizes.is_empty();
        if shapes && !self.batches(facts) {
            let reason = format!("{} is not batched: nothing can be padded", facts.signature);
            return Err(Error::invalid("batcher options", reason));
        }
        self.options.padding.iter().try_for_each(|padding| padding.check(&facts.signature))
    }

    fn into_shared(self, opener: Opener, runners: Vec<Runner>) -> Shared {
        let descriptor = self.descriptor(&opener.facts);
        let layout = self.layout(&opener.facts);
        let max_rows = self.max_rows(&opener.facts);
        let policy = BatchPolicy {
            // Without a batch axis every request is a batch.
            max_batch_size: max_rows,
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
        let admission = Admission {
            rule: BucketRule::new(
                &descriptor.signature,
                &layout.padding,
                self.options.batch_parameters,
            ),
            priority: self.options.priority,
            max_rows,
            max_cost: self.options.max_batch_cost.unwrap_or(usize::MAX),
        };
        let context =
            RunContext { descriptor, layout, clock: self.clock, observers: self.observers };
        Shared::new(context, opener, admission, policy, limits, self.options.instances, runners)
    }

    fn descriptor(&self, facts: &Facts) -> ModelDescriptor {
        let id = Arc::new(self.id.clone());
        let signature = self.layout(facts).public_signature();
        let mut descriptor = ModelDescriptor::new(id, signature, &*facts.platform);
        descriptor.labels.clone_from(&self.labels);
        if self.batches(facts) {
            let rows = self.options.max_request_rows.unwrap_or(self.options.max_batch_size);
            descriptor.with_max_batch_size(rows)
        } else {
            descriptor
        }
    }
}

/// Combinations of sizes to warm up at most.
const WARM_UP_SHAPES: usize = 64;

/// The shapes of all inputs, for every batch a session is to be warmed up with, the largest last.
fn warm_up_shapes(layout: &Layout, max_rows: usize) -> Vec<InputShapes> {
    let rows = if layout.allowed_batch_sizes.is_empty() {
        vec![1, max_rows]
    } else {
        layout.allowed_batch_sizes.clone()
    };
    // Each padded dimension at each of its sizes.
    let mut sizes: Vec<Vec<usize>> = vec![vec![]];
    for padding in &layout.padding {
        let mut of_this = padding.rounding.warm_up_sizes();
        of_this.sort_unstable();
        sizes = sizes
            .iter()
            .flat_map(|others| {
                of_this.iter().map(move |size| others.iter().copied().chain([*size]).collect())
            })
            .collect();
        let first = sizes.len().saturating_sub(WARM_UP_SHAPES);
        sizes.drain(..first);
    }
    let shape = |spec: &TensorSpec, rows: usize, sizes: &[usize]| -> Vec<usize> {
        let size = |(axis, dim): (usize, &Dim)| {
            let mut padded = layout.padding.iter().zip(sizes);
            match (dim, padded.find(|(padding, _)| padding.axes_of(spec).any(|at| at == axis))) {
                (Dim::Fixed(size), _) | (_, Some((_, size))) => *size,
                _ if axis == 0 => rows,
                _ => 1,
            }
        };
        spec.shape.iter().enumerate().map(size).collect()
    };
    let shapes = sizes.iter().flat_map(|sizes| rows.iter().map(move |rows| (*rows, sizes)));
    shapes
        .map(|(rows, sizes)| {
            layout.signature.inputs.iter().map(|spec| shape(spec, rows, sizes)).collect()
        })
        .collect()
}

//! [`Batcher`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use mlops_core::{
    Error, Result,
    clock::Clock,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict, SessionFactory},
    model::ModelId,
};

use super::{
    builder::BatcherBuilder,
    item::{Reply, lost},
    leader,
    options::{BatcherOptions, Placement},
    parts,
    queued::Queued,
    shared::Shared,
    slot::slot,
    worker::next_worker,
};

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
        BatcherBuilder::new(id, Arc::new(factory), options)
    }

    pub(super) fn new(shared: Arc<Shared>, placement: Placement) -> Self {
        Self { shared, placement }
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
        self.shared.threads.ended().await;
        if abandoned > 0 {
            return Err(Error::DeadlineExceeded { elapsed: started.elapsed() });
        }
        Ok(())
    }

    async fn answer(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let Shared { context, admission, .. } = &*self.shared;
        match parts::split(&request, &context.descriptor, admission.max_rows)? {
            None => self.answer_one(request).await,
            Some(parts) => {
                let answers = parts.into_iter().map(|part| self.answer_one(part));
                parts::join(&try_join_all(answers).await?)
            }
        }
    }

    async fn answer_one(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        if self.placement == Placement::CallerRuns {
            return leader::predict(&self.shared, request).await;
        }
        let shared = &*self.shared;
        let (responder, mut caller) = slot();
        let item = shared.check(request, responder)?;
        let (ticket, worker) = shared
            .admit(item, |state, item| {
                let ticket = shared.enqueue(state, item)?;
                Ok((ticket, next_worker(state, shared)))
            })
            .await?;
        let queued = Queued::new(shared, ticket, &mut caller);
        if let Some(worker) = worker {
            worker.raise();
        }
        match queued.await {
            Some(Reply::Done(result)) => result,
            Some(Reply::Lead(_)) | None => Err(lost()),
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

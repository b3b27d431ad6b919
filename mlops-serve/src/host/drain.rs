//! Ending models without losing a request.
//!
//! Whoever asked for a model holds it, for as long as its requests are under way. A model that no
//! longer serves is therefore ended when nobody holds it any more, or after a grace.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    model::ModelId,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinSet,
};

use super::{
    loader::{LoadedModel, OnGone},
    memory::Reservation,
    models::ServedModel,
};
use crate::batch::Batcher;

/// A model that a host runs.
pub(super) struct Running {
    pub(super) served: Arc<ServedModel>,
    pub(super) reservation: Reservation,
    /// Held to the end, so that it is never dropped on a thread that serves requests.
    model: Arc<dyn Predict>,
    batchers: Vec<Arc<Batcher>>,
    on_gone: Vec<OnGone>,
    /// Told when nobody holds `served` any more.
    released: Arc<Notify>,
}

impl Running {
    pub(super) fn new(loaded: LoadedModel, reservation: Reservation) -> Self {
        let released = Arc::new(Notify::new());
        let mut served = loaded.served;
        let model = Arc::clone(&served.predict);
        let held = Held { model: Arc::clone(&model), released: Arc::clone(&released) };
        served.predict = Arc::new(held);
        Self {
            served: Arc::new(served),
            reservation,
            model,
            batchers: loaded.batchers,
            on_gone: loaded.on_gone,
            released,
        }
    }

    pub(super) fn id(&self) -> &Arc<ModelId> {
        &self.model.descriptor().id
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({})", self.model)
    }
}

/// The model that requests are given: the last one to let go of it tells so.
#[derive(Debug)]
struct Held {
    model: Arc<dyn Predict>,
    released: Arc<Notify>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.released.notify_one();
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}

// By hand: `async_trait` would box the boxed future once more.
#[deny(clippy::missing_trait_methods)]
impl Predict for Held {
    fn descriptor(&self) -> &ModelDescriptor {
        self.model.descriptor()
    }

    fn predict<'life, 'future>(
        &'life self,
        request: InferenceRequest,
    ) -> Pin<Box<dyn Future<Output = Result<InferenceResponse>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        self.model.predict(request)
    }
}

/// A model on its way out.
#[derive(Debug)]
pub(super) struct Draining {
    running: Running,
    done: oneshot::Sender<Result<()>>,
    /// Whether requests could find it.
    pub(super) origin: Origin,
}

/// Where a model on its way out comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It served.
    Published,
    /// It was loaded and never served.
    Discarded,
}

/// Tells when a model is gone, and whether requests were given up.
pub(super) type Gone = oneshot::Receiver<Result<()>>;

/// Where models on their way out are sent.
#[derive(Debug, Clone)]
pub(super) struct Drains(mpsc::UnboundedSender<Draining>);

/// Where they arrive.
pub(super) type Arrivals = mpsc::UnboundedReceiver<Draining>;

/// When everything must be drained, once the host is shut down.
pub(super) type Hurry = watch::Receiver<Option<Instant>>;

impl Drains {
    /// Each model is sent once, so the loads bound what waits here.
    pub(super) fn new() -> (Self, Arrivals) {
        let (sender, arrivals) = mpsc::unbounded_channel();
        (Self(sender), arrivals)
    }

    pub(super) fn send(&self, mut running: Running, origin: Origin) -> Gone {
        running.reservation.drain();
        let (done, gone) = oneshot::channel();
        // The receiver ends after the last sender. Were it gone, dropping the model would end it.
        drop(self.0.send(Draining { running, done, origin }));
        gone
    }
}

/// Drains what arrives, everything at once, until nothing can arrive any more. Tells `gone` of each
/// model when nothing of it runs any more.
pub(super) async fn drain_all(
    mut arrivals: Arrivals,
    grace: Duration,
    hurry: Hurry,
    gone: impl Fn(&ModelId, Origin, &Result<()>) + Clone + Send + 'static,
) {
    let mut drains = JoinSet::new();
    while let Some(draining) = arrivals.recv().await {
        while drains.try_join_next().is_some() {}
        let (hurry, gone) = (hurry.clone(), gone.clone());
        drains.spawn(async move {
            let Draining { running, done, origin } = draining;
            let id = Arc::clone(running.id());
            let (drained, reservation) = drain(running, grace, hurry).await;
            // Whoever waits for the memory must not find the model listed any more.
            gone(&id, origin, &drained);
            drop(reservation);
            if let Err(Err(error)) = done.send(drained) {
                tracing::warn!(model = %id, error = error.report(), "requests were given up");
            }
        });
    }
    while drains.join_next().await.is_some() {}
}

/// Ends a model; what comes back with the result is its memory, which is free once it is dropped.
async fn drain(running: Running, grace: Duration, hurry: Hurry) -> (Result<()>, Reservation) {
    let Running { served, reservation, model, batchers, on_gone, released } = running;
    drop(served);
    let started = Instant::now();
    let patience = patience(started.checked_add(grace), hurry.clone());
    tokio::select! {
        () = released.notified() => {}
        () = patience => {}
    }
    let hurried = *hurry.borrow();
    let deadline = hurried.into_iter().chain(started.checked_add(grace)).min();
    let mut result = Ok(());
    for batcher in &batchers {
        let left =
            deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        if batcher.shutdown(left).await.is_err() {
            result = Err(Error::DeadlineExceeded { elapsed: started.elapsed() });
        }
    }
    drop((batchers, model));
    for on_gone in on_gone {
        if catch_unwind(AssertUnwindSafe(on_gone)).is_err() {
            tracing::error!("what was to be done when a model is gone panicked");
        }
    }
    (result, reservation)
}

/// Waits until the deadline, or the one that a shutdown sets if that is earlier.
async fn patience(deadline: Option<Instant>, mut hurry: Hurry) {
    let until = async |deadline: Option<Instant>| match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    };
    let hurried = async {
        // An error: the host is gone without a shutdown, and the grace alone counts.
        let at = hurry.wait_for(Option::is_some).await.map_or(None, |at| *at);
        until(at).await;
    };
    tokio::select! {
        () = until(deadline) => {}
        () = hurried => {}
    }
}

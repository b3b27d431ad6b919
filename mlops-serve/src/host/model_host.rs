//! [`ModelHost`].

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error, Result,
    inference::CancelHandle,
    model::{ModelId, ModelVersion},
};
use tokio::sync::{Mutex, oneshot};

use super::{
    drain::{Drains, drain_all},
    load::{self, Loading},
    memory::DeviceMemory,
    models::{ModelStatus, Models, ServedModel},
    options::HostOptions,
    roster::HostedModel,
    shared::{Job, Shared},
    thread::HostThread,
    update::ModelUpdate,
};

/// Models that are loaded, swapped and unloaded while they serve.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use mlops_core::{inference::SessionFactory, model::ModelId};
/// use mlops_serve::{
///     batch::{Batcher, BatcherOptions},
///     host::{HostOptions, LoadedModel, LoaderFn, ModelHost, ModelUpdate, Models, ServedModel},
/// };
///
/// # async fn example(open: fn(&ModelId) -> Arc<dyn SessionFactory>) -> mlops_core::Result<()> {
/// let host = Arc::new(ModelHost::start(HostOptions::default().with_keep_previous(1))?);
/// let loader = move || {
///     LoaderFn::new(move |id, _cancel| {
///         let batcher = Batcher::start(id.clone(), open(id), BatcherOptions::default())?;
///         let batcher = Arc::new(batcher); // and observers around it
///         Ok(LoadedModel::new(ServedModel::new(batcher.clone())).with_batcher(batcher))
///     })
/// };
/// let id = |version| Ok::<_, mlops_core::Error>(ModelId::new("digits".parse()?, version));
/// host.update(ModelUpdate::swap(id("1".parse()?)?, loader())).await?;
/// let models: Arc<dyn Models> = host.clone(); // for the protocols
///
/// // Later, under load: no request fails. If the new one cannot be loaded, the old one serves on.
/// host.update(ModelUpdate::swap(id("2".parse()?)?, loader())).await?;
/// host.roll_back("digits")?; // at once: version 1 was kept warm
///
/// host.shutdown(Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # What requests see
/// An update publishes its versions all at once, when every one of them is loaded, warm and checked.
/// Until then [`Models::list`] shows what it showed before, except for versions that were
/// [announced](Self::announce): a server that swaps a model stays ready, whatever becomes of the
/// swap. [`status`](Self::status) tells of it.
///
/// A request goes to the version it found. A version that is replaced or unloaded is ended when
/// nobody holds it any more, or when callers have held it for
/// [`drain_grace`](HostOptions::drain_grace); its memory counts until then.
///
/// # Threads
/// Each device has a thread that loads one model after the other; one more drains.
/// [`shutdown`](Self::shutdown) joins them. Dropping the host lets them end by themselves.
pub struct ModelHost {
    shared: Arc<Shared>,
    threads: Mutex<Vec<HostThread>>,
}

impl ModelHost {
    /// Starts a host without models.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for options that contradict one another; [`Error::Backend`] if a
    /// thread cannot be started.
    pub fn start(options: HostOptions) -> Result<Self> {
        options.check()?;
        let (drains, arrivals) = Drains::new();
        let shared = Arc::new(Shared::new(options, drains.clone()));
        // From here on, dropping the host ends the threads that were started.
        let mut host = Self { shared: Arc::clone(&shared), threads: Mutex::default() };
        let (grace, hurry) = (shared.options.drain_grace, shared.hurry());
        let drainer = HostThread::start("drain".into(), {
            let shared = Arc::clone(&shared);
            move |runtime| {
                let gone = move |id: &_, origin, drained: &_| shared.gone(id, origin, drained);
                runtime.block_on(drain_all(arrivals, grace, hurry, gone));
            }
        })?;
        host.threads.get_mut().push(drainer);
        for device in shared.options.devices.keys() {
            let loader = HostThread::start(format!("load-{device}"), {
                let (shared, device) = (Arc::clone(&shared), device.clone());
                let drains = drains.clone();
                move |runtime| load::work(&shared, &device, &drains, &runtime)
            })?;
            host.threads.get_mut().push(loader);
        }
        Ok(host)
    }

    /// Makes a version known that is about to be loaded: a server is not ready before it is.
    ///
    /// # Errors
    /// [`Error::Closed`] after shutdown.
    pub fn announce(&self, id: &ModelId) -> Result<()> {
        self.shared.announce(id)
    }

    /// Puts an update in line. Updates of one name are carried out one after the other, those of one
    /// device too.
    ///
    /// The future tells how it ended, and cancels the update if it is dropped. In the end:
    /// [`Error::Refused`] if the memory does not suffice, the signature changes, an answer to the
    /// golden check is wrong, or a pinned version would be replaced; [`Error::Cancelled`] if the model
    /// was unloaded meanwhile; [`Error::Overloaded`] if too many loads wait;
    /// [`Error::InvalidArgument`] for an update without versions or for a device that the host does
    /// not have; [`Error::Closed`] after shutdown; whatever the loader returned.
    pub fn update(&self, update: ModelUpdate) -> Loading {
        let (reply, answer) = oneshot::channel();
        let cancel = CancelHandle::new();
        let loading = Loading::new(cancel.clone(), answer);
        let device = match update.device() {
            Ok(device) => device.to_owned(),
            Err(error) => {
                reply.send(Err(error)).ok();
                return loading;
            }
        };
        self.shared.submit(Job { update, device, cancel, reply, span: tracing::Span::current() });
        loading
    }

    /// Makes the generation before the last update serve again, at once; returns its versions. The
    /// generation that served is drained.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown model; [`Error::Refused`] if nothing is kept: see
    /// [`keep_previous`](HostOptions::keep_previous).
    pub fn roll_back(&self, name: &str) -> Result<Vec<ModelVersion>> {
        self.shared.roll_back(name)
    }

    /// Makes a version the one that answers when none is asked for; `None` makes it the newest again.
    /// Updates that would end a pinned version are refused; a rollback or unload takes the pin away
    /// with it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a model or version that does not serve.
    pub fn pin(&self, name: &str, version: Option<ModelVersion>) -> Result<()> {
        self.shared.pin(name, version)
    }

    /// Ends a version (all of them, if `None`), kept ones too, and cancels its loads. Comes back when
    /// the memory of what it ended is free; what was replaced before drains on.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown model or version; [`Error::DeadlineExceeded`] if requests
    /// had to be given up after [`drain_grace`](HostOptions::drain_grace).
    ///
    /// # Cancel safety
    /// Once polled it happens, whether or not it is waited for.
    pub async fn unload(&self, name: &str, version: Option<ModelVersion>) -> Result<()> {
        let mut result = Ok(());
        for gone in self.shared.unload(name, version)? {
            // Dropped without an answer by a thread that is gone, and the model with it.
            result = gone.await.unwrap_or(Ok(())).and(result);
        }
        result
    }

    /// How a model is kept; `None` for an unknown one.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<HostedModel> {
        self.shared.status(name)
    }

    /// How much of each device's memory is taken.
    #[must_use]
    pub fn memory(&self) -> BTreeMap<String, DeviceMemory> {
        self.shared.ledger.devices()
    }

    /// Accepts no more loads, cancels those there are, drains every model at once, and joins the
    /// threads.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`] if requests were still queued after `grace`. What runs is always
    /// waited for, and so is a loader that does not look at its cancel handle.
    ///
    /// # Cancel safety
    /// The host stays closed; calling again goes on waiting.
    pub async fn shutdown(&self, grace: Duration) -> Result<()> {
        let started = Instant::now();
        self.shared.close(started.checked_add(grace));
        let mut threads = self.threads.lock().await;
        while let Some(thread) = threads.last_mut() {
            thread.ended().await;
            if let Some(thread) = threads.pop() {
                thread.join();
            }
        }
        if self.shared.take_given_up() {
            return Err(Error::DeadlineExceeded { elapsed: started.elapsed() });
        }
        Ok(())
    }
}

impl Models for ModelHost {
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<ServedModel>> {
        self.shared.table.find(name, version)
    }

    fn list(&self) -> Vec<ModelStatus> {
        self.shared.table.list()
    }
}

impl Drop for ModelHost {
    fn drop(&mut self) {
        self.shared.close(None);
    }
}

impl fmt::Debug for ModelHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelHost").field("models", &self.list()).finish_non_exhaustive()
    }
}

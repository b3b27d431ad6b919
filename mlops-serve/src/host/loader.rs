//! [`ModelLoader`]: how a version of a model is brought to run.

use std::{
    fmt::{self, Debug},
    sync::Arc,
};

use mlops_core::{
    Result,
    inference::{CancelHandle, Predict},
    model::ModelId,
};

use super::{golden::GoldenCheck, models::ServedModel, options::HostOptions};
use crate::batch::Batcher;

/// Brings one version of a model to run: opens its sessions, warms them up, starts the batcher, wraps
/// it in observers.
///
/// # Contract
/// 1. [`device`](Self::device) MUST be the same for the life of the value, and return at once.
/// 2. [`load`](Self::load) MUST return a model whose descriptor has the given id, warmed up and ready
///    to answer.
/// 3. A load that fails MUST leave nothing running.
///
/// # Implementing
/// [`LoaderFn`] makes one of a closure. A loader may be asked to load more than once.
pub trait ModelLoader: Debug + Send + Sync + 'static {
    /// The device it loads to, by its name in
    /// [`HostOptions::devices`](super::HostOptions::devices).
    fn device(&self) -> &str;

    /// How much of the device's memory the model will take, as near as can be known before; 0 if
    /// nothing is known. Called on a thread of the host, so it may look at files.
    ///
    /// # Errors
    /// What keeps it from telling, such as a missing file.
    fn memory_bytes(&self) -> Result<u64>;

    /// Loads the model. Called on a thread of the host: it may block for as long as that takes, and
    /// may look at `cancel` on the way, after which the result is thrown away.
    ///
    /// # Errors
    /// What kept the model from loading.
    fn load(&self, id: &ModelId, cancel: &CancelHandle) -> Result<LoadedModel>;
}

/// A model that runs, and what there is to end when it does not any more.
#[must_use = "what is not handed to a host runs on until it is dropped"]
pub struct LoadedModel {
    pub(super) served: ServedModel,
    pub(super) batchers: Vec<Arc<Batcher>>,
    pub(super) check: Option<(Arc<dyn Predict>, GoldenCheck)>,
    pub(super) on_gone: Vec<OnGone>,
}

pub(super) type OnGone = Box<dyn FnOnce() + Send + Sync>;

impl LoadedModel {
    /// A model that ends when it is dropped.
    pub fn new(served: impl Into<ServedModel>) -> Self {
        Self { served: served.into(), batchers: Vec::new(), check: None, on_gone: Vec::new() }
    }

    /// Adds a batcher behind it, which is shut down when the model is drained.
    pub fn with_batcher(mut self, batcher: Arc<Batcher>) -> Self {
        self.batchers.push(batcher);
        self
    }

    /// Has `check` asked of `model` before it serves. Give the model below its observers: they
    /// would take the samples for requests.
    pub fn with_golden_check(mut self, model: Arc<dyn Predict>, check: GoldenCheck) -> Self {
        self.check = Some((model, check));
        self
    }

    /// Has `on_gone` called when nothing of the model runs any more, on a thread of the host, after
    /// what was given before; for files to remove.
    pub fn with_on_gone(mut self, on_gone: impl FnOnce() + Send + Sync + 'static) -> Self {
        self.on_gone.push(Box::new(on_gone));
        self
    }
}

impl Debug for LoadedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedModel")
            .field("served", &self.served)
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}

type Load = dyn Fn(&ModelId, &CancelHandle) -> Result<LoadedModel> + Send + Sync;

/// A [`ModelLoader`] made of a closure.
pub struct LoaderFn {
    device: String,
    memory_bytes: u64,
    load: Box<Load>,
}

impl LoaderFn {
    /// Loads with `load` to the device `cpu`, whose memory it is not said to take.
    pub fn new(
        load: impl Fn(&ModelId, &CancelHandle) -> Result<LoadedModel> + Send + Sync + 'static,
    ) -> Self {
        Self { device: HostOptions::CPU.to_owned(), memory_bytes: 0, load: Box::new(load) }
    }

    /// Sets the device it loads to.
    #[must_use]
    pub fn with_device(mut self, device: impl Into<String>) -> Self {
        self.device = device.into();
        self
    }

    /// Sets how much of the device's memory the model will take.
    #[must_use]
    pub fn with_memory_bytes(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }
}

impl Debug for LoaderFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoaderFn")
            .field("device", &self.device)
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}

impl ModelLoader for LoaderFn {
    fn device(&self) -> &str {
        &self.device
    }

    fn memory_bytes(&self) -> Result<u64> {
        Ok(self.memory_bytes)
    }

    fn load(&self, id: &ModelId, cancel: &CancelHandle) -> Result<LoadedModel> {
        (self.load)(id, cancel)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<L: ModelLoader + ?Sized> ModelLoader for Arc<L> {
    fn device(&self) -> &str {
        (**self).device()
    }

    fn memory_bytes(&self) -> Result<u64> {
        (**self).memory_bytes()
    }

    fn load(&self, id: &ModelId, cancel: &CancelHandle) -> Result<LoadedModel> {
        (**self).load(id, cancel)
    }
}

const _: Option<&dyn ModelLoader> = None;

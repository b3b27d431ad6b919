//! [`Models`]: what a protocol needs to know of the models behind it.

use std::{fmt::Debug, sync::Arc};

use mlops_core::{
    Result,
    inference::Predict,
    model::{ModelId, ModelVersion},
};

use super::statistics::ModelStatistics;

/// Finds models by name and tells which are ready.
///
/// # Contract
/// 1. [`find`](Self::find) of an unknown model or version MUST be
///    [`Error::NotFound`](mlops_core::Error::NotFound) naming it; of one that is known but not ready,
///    [`Error::Unavailable`](mlops_core::Error::Unavailable).
/// 2. Neither method may block.
pub trait Models: Debug + Send + Sync + 'static {
    /// The model to ask; without a version, the one the host chose, or the newest that is ready.
    ///
    /// Whoever holds the answer keeps the model: one that is replaced meanwhile goes on serving it.
    ///
    /// # Errors
    /// As in the contract.
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<ServedModel>>;

    /// Every known version of every model, by name and version.
    fn list(&self) -> Vec<ModelStatus>;
}

/// A model that answers requests, and what protocols tell of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServedModel {
    /// The model, with every layer around it.
    pub predict: Arc<dyn Predict>,
    /// What it has done so far, if the host counts.
    pub statistics: Option<Arc<ModelStatistics>>,
}

impl ServedModel {
    /// A model whose requests nobody counts.
    #[must_use]
    pub fn new(predict: Arc<dyn Predict>) -> Self {
        Self { predict, statistics: None }
    }

    /// Says where its requests are counted.
    #[must_use]
    pub fn with_statistics(mut self, statistics: Arc<ModelStatistics>) -> Self {
        self.statistics = Some(statistics);
        self
    }
}

impl From<Arc<dyn Predict>> for ServedModel {
    fn from(predict: Arc<dyn Predict>) -> Self {
        Self::new(predict)
    }
}

/// A version of a model, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStatus {
    /// Which version of which model.
    pub id: ModelId,
    /// How it is.
    pub state: ModelState,
}

/// How a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// Being loaded and warmed up.
    Loading,
    /// Answering requests.
    Ready,
    /// Could not be loaded.
    Failed {
        /// Why.
        reason: String,
    },
    /// Answers what it has accepted, and takes no more.
    Draining,
    /// Known, and not loaded. It does not keep the server from being ready.
    Unloaded,
}

#[deny(clippy::missing_trait_methods)]
impl<M: Models + ?Sized> Models for Arc<M> {
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<ServedModel>> {
        (**self).find(name, version)
    }

    fn list(&self) -> Vec<ModelStatus> {
        (**self).list()
    }
}

const _: Option<&dyn Models> = None;

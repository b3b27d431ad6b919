//! [`Models`]: what a protocol needs to know of the models behind it.

use std::{fmt::Debug, sync::Arc};

use mlops_core::{
    Result,
    inference::Predict,
    model::{ModelId, ModelVersion},
};

/// Finds models by name and tells which are ready.
///
/// # Contract
/// 1. [`find`](Self::find) of an unknown model or version MUST be
///    [`Error::NotFound`](mlops_core::Error::NotFound) naming it; of one that is known but not ready,
///    [`Error::Unavailable`](mlops_core::Error::Unavailable).
/// 2. Neither method may block.
pub trait Models: Debug + Send + Sync + 'static {
    /// The model to ask; without a version, the newest that is ready.
    ///
    /// # Errors
    /// As in the contract.
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<dyn Predict>>;

    /// Every known version of every model, by name and version.
    fn list(&self) -> Vec<ModelStatus>;
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
}

#[deny(clippy::missing_trait_methods)]
impl<M: Models + ?Sized> Models for Arc<M> {
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<dyn Predict>> {
        (**self).find(name, version)
    }

    fn list(&self) -> Vec<ModelStatus> {
        (**self).list()
    }
}

const _: Option<&dyn Models> = None;

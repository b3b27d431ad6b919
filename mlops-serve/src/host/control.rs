//! [`ModelControl`]: loading and unloading models while a server runs.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use mlops_core::Result;

/// Loads and unloads models by name, for protocols that let a client ask for it (the Open Inference
/// Protocol's model repository extension).
///
/// # Contract
/// 1. A [`load`](Self::load) that fails MUST leave what was serving before as it was.
/// 2. [`load`](Self::load) of a model that is loaded MUST load it anew.
/// 3. [`unload`](Self::unload) MUST let requests that were accepted be answered.
/// 4. An unknown model MUST be [`Error::NotFound`](mlops_core::Error::NotFound) naming it.
///
/// # Cancel safety
/// A call whose future is dropped has happened as a whole or not at all.
#[async_trait]
pub trait ModelControl: Debug + Send + Sync + 'static {
    /// Loads a model, warms it up and lets it answer requests.
    ///
    /// # Errors
    /// What keeps it from loading; [`Error::Unsupported`](mlops_core::Error::Unsupported) for options
    /// that this host does not take.
    async fn load(&self, name: &str, options: LoadOptions) -> Result<()>;

    /// Stops a model from answering requests and gives its memory back.
    ///
    /// # Errors
    /// As in the contract.
    async fn unload(&self, name: &str) -> Result<()>;
}

/// How to load a model other than the host would by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// A configuration in place of the host's own, as JSON.
    pub config: Option<String>,
    /// Files in place of those the host has, by path.
    pub files: BTreeMap<String, Bytes>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<C: ModelControl + ?Sized> ModelControl for Arc<C> {
    async fn load(&self, name: &str, options: LoadOptions) -> Result<()> {
        (**self).load(name, options).await
    }

    async fn unload(&self, name: &str) -> Result<()> {
        (**self).unload(name).await
    }
}

const _: Option<&dyn ModelControl> = None;

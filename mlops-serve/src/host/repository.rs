//! [`ModelRepository`]: models that can be loaded by name, and the control over them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};

use super::{
    control::{LoadOptions, ModelControl},
    loader::ModelLoader,
    model_host::ModelHost,
    policy::VersionPolicy,
    update::{ModelUpdate, SignatureChange},
};

/// Where models lie that can be loaded by name.
///
/// # Contract
/// 1. [`versions`](Self::versions) of an unknown model MUST be empty or
///    [`Error::NotFound`](mlops_core::Error::NotFound) naming it.
/// 2. [`loader`](Self::loader) MUST return at once: what takes time is the loader's.
#[async_trait]
pub trait ModelRepository: Debug + Send + Sync + 'static {
    /// The versions there are of a model, now.
    ///
    /// # Errors
    /// As in the contract, and what keeps it from looking.
    ///
    /// # Cancel safety
    /// It only reads.
    async fn versions(&self, name: &ModelName) -> Result<BTreeSet<ModelVersion>>;

    /// How a version is loaded.
    ///
    /// # Errors
    /// [`Error::Unsupported`](mlops_core::Error::Unsupported) for options it does not take.
    fn loader(&self, id: &ModelId, options: &LoadOptions) -> Result<Arc<dyn ModelLoader>>;
}

/// Loads the models of a [`ModelRepository`] into a [`ModelHost`] and unloads them.
///
/// A load looks anew which versions there are, chooses among them by policy, and puts them in the
/// place of those that served: all of them, or none if one fails.
#[derive(Debug)]
pub struct RepositoryControl {
    host: Arc<ModelHost>,
    repository: Arc<dyn ModelRepository>,
    policy: VersionPolicy,
    policies: BTreeMap<ModelName, VersionPolicy>,
    signature: SignatureChange,
}

impl RepositoryControl {
    /// Serves the newest version of each model.
    #[must_use]
    pub fn new(host: Arc<ModelHost>, repository: Arc<dyn ModelRepository>) -> Self {
        Self {
            host,
            repository,
            policy: VersionPolicy::default(),
            policies: BTreeMap::new(),
            signature: SignatureChange::default(),
        }
    }

    /// Sets which versions of a model are served.
    #[must_use]
    pub fn with_policy(mut self, policy: VersionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets which versions of this model are served.
    #[must_use]
    pub fn with_policy_of(mut self, name: ModelName, policy: VersionPolicy) -> Self {
        self.policies.insert(name, policy);
        self
    }

    /// Sets whether a load may change inputs and outputs.
    #[must_use]
    pub fn with_signature(mut self, change: SignatureChange) -> Self {
        self.signature = change;
        self
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ModelControl for RepositoryControl {
    async fn load(&self, name: &str, options: LoadOptions) -> Result<()> {
        // What cannot be a name is not the name of a model either.
        let name: ModelName = name.parse().map_err(|_invalid| Error::not_found("model", name))?;
        let available = self.repository.versions(&name).await?;
        if available.is_empty() {
            return Err(Error::not_found("model", name));
        }
        let policy = self.policies.get(&name).unwrap_or(&self.policy);
        let mut update = ModelUpdate::new(name.clone()).with_signature(self.signature);
        for version in policy.select(&name, &available)? {
            let id = ModelId::new(name.clone(), version);
            update = update.with_load(version, self.repository.loader(&id, &options)?);
        }
        self.host.update(update).await
    }

    async fn unload(&self, name: &str) -> Result<()> {
        self.host.unload(name, None).await
    }
}

const _: Option<&dyn ModelRepository> = None;

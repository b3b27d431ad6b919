//! [`ModelUpdate`]: what a name shall serve from now on.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};

use super::loader::ModelLoader;

/// A change of what a name serves: versions to load, which take over all at once or not at all.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ModelUpdate {
    /// Whose versions they are.
    pub name: ModelName,
    /// The versions to load, at least one and all to the same device. One that serves already is
    /// loaded anew.
    pub load: BTreeMap<ModelVersion, Arc<dyn ModelLoader>>,
    /// What becomes of the versions that serve and are not in `load`.
    pub others: Others,
    /// Whether inputs and outputs may be other ones than before.
    pub signature: SignatureChange,
}

/// What becomes of the versions that serve and are not loaded by an update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Others {
    /// They are replaced: kept warm for a rollback if the options say so, or drained.
    #[default]
    Retire,
    /// They serve on, beside the new ones.
    Keep,
}

/// Whether the inputs and outputs of a new version may differ from those of the version that is the
/// default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignatureChange {
    /// They must be the same: names, types and shapes, whatever free dimensions are called.
    #[default]
    Refuse,
    /// They may be any.
    Allow,
}

impl ModelUpdate {
    /// No version yet; add them with [`with_load`](Self::with_load).
    #[must_use]
    pub fn new(name: ModelName) -> Self {
        Self {
            name,
            load: BTreeMap::new(),
            others: Others::default(),
            signature: SignatureChange::default(),
        }
    }

    /// A hot swap to this version: it takes over from all others of its name.
    #[must_use]
    pub fn swap(id: ModelId, loader: impl ModelLoader) -> Self {
        Self::new(id.name).with_load(id.version, loader)
    }

    /// Adds a version to load.
    #[must_use]
    pub fn with_load(mut self, version: ModelVersion, loader: impl ModelLoader) -> Self {
        self.load.insert(version, Arc::new(loader));
        self
    }

    /// Sets what becomes of the other versions.
    #[must_use]
    pub fn with_others(mut self, others: Others) -> Self {
        self.others = others;
        self
    }

    /// Sets whether inputs and outputs may be other ones than before.
    #[must_use]
    pub fn with_signature(mut self, change: SignatureChange) -> Self {
        self.signature = change;
        self
    }

    /// The device that all its versions are loaded to.
    pub(super) fn device(&self) -> Result<&str> {
        let mut devices = self.load.values().map(|loader| loader.device());
        let invalid = |reason: String| Error::invalid("model update", reason);
        let first = devices
            .next()
            .ok_or_else(|| invalid(format!("no version of `{}` is to be loaded", self.name)))?;
        match devices.find(|other| *other != first) {
            None => Ok(first),
            Some(other) => Err(invalid(format!(
                "`{}` is to be loaded to `{first}` and to `{other}`: use an update for each",
                self.name
            ))),
        }
    }
}

//! [`Server`]: what all transports answer from.

use std::sync::Arc;

use mlops_core::{Error, Result, inference::ModelDescriptor, model::ModelVersion};

use super::{
    config::ModelConfig,
    metadata::{ModelMetadata, ServerMetadata},
    repository::IndexEntry,
    shared_memory::{SharedMemory, lent},
    statistics::ModelStatistics,
};
use crate::{
    host::{ModelControl, ModelState, Models, ServedModel},
    record::{NoRecorder, RequestRecorder},
};

/// What clients find, whatever the transport: models, and what else the host lets them do.
///
/// Its clones are the same server, so that one can answer over several transports.
#[derive(Debug, Clone)]
pub struct Server {
    pub(super) models: Arc<dyn Models>,
    name: Arc<str>,
    version: Arc<str>,
    pub(super) recorder: Arc<dyn RequestRecorder>,
    control: Option<Arc<dyn ModelControl>>,
    pub(super) memory: Option<Arc<SharedMemory>>,
}

impl<M: Models + 'static> From<Arc<M>> for Server {
    fn from(models: Arc<M>) -> Self {
        Self::new(models)
    }
}

impl From<Arc<dyn Models>> for Server {
    fn from(models: Arc<dyn Models>) -> Self {
        Self::new(models)
    }
}

impl Server {
    /// A server of these models, and nothing else.
    #[must_use]
    pub fn new(models: Arc<dyn Models>) -> Self {
        Self {
            models,
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            recorder: Arc::new(NoRecorder),
            control: None,
            memory: None,
        }
    }

    /// Sets the name and the version in its metadata; without them, they are this crate's.
    #[must_use]
    pub fn with_name(mut self, name: &str, version: &str) -> Self {
        (self.name, self.version) = (name.into(), version.into());
        self
    }

    /// Tells `recorder` of requests that are refused before a model sees them.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Arc<dyn RequestRecorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Lets clients load and unload models.
    #[must_use]
    pub fn with_control(mut self, control: Arc<dyn ModelControl>) -> Self {
        self.control = Some(control);
        self
    }

    /// Lets clients share memory with the server.
    #[cfg(feature = "shm")]
    #[must_use]
    pub fn with_shared_memory(mut self, memory: Arc<SharedMemory>) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Name, version, and the extensions that are really served.
    pub(super) fn metadata(&self) -> ServerMetadata {
        let mut extensions =
            vec!["binary_tensor_data", "classification", "model_configuration", "parameters"];
        extensions.push("schedule_policy");
        if self.control.is_some() {
            extensions.push("model_repository");
        }
        if self.memory.is_some() {
            extensions.push("system_shared_memory");
        }
        if self.ready_models(|_| true).any(|model| model.statistics.is_some()) {
            extensions.push("statistics");
        }
        ServerMetadata {
            name: self.name.to_string(),
            version: self.version.to_string(),
            extensions,
        }
    }

    /// The model to ask.
    pub(super) fn find(&self, name: &str, version: Option<&str>) -> Result<Arc<ServedModel>> {
        let version = version.map(str::parse::<ModelVersion>).transpose()?;
        self.models.find(name, version)
    }

    /// What a model takes and gives.
    pub(super) fn model_metadata(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<ModelMetadata> {
        let model = self.find(name, version)?;
        let statuses = self.models.list().into_iter();
        let versions = statuses
            .filter(|status| status.id.name.as_str() == name)
            .map(|status| status.id.version.to_string());
        Ok(ModelMetadata::new(versions.collect(), model.predict.descriptor()))
    }

    /// How a model is run.
    pub(super) fn config(&self, name: &str, version: Option<&str>) -> Result<ModelConfig> {
        let model = self.find(name, version)?;
        let descriptor: &ModelDescriptor = model.predict.descriptor();
        Ok(ModelConfig::new(descriptor))
    }

    /// What every model has done so far, or the versions of one, or one version.
    pub(super) fn statistics(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Vec<ModelStatistics>> {
        let Some(name) = name else {
            return Ok(self.ready_models(|_| true).filter_map(|m| statistics_of(&m)).collect());
        };
        // An unknown model is told apart from one that nobody counts.
        let found = self.find(name, version)?;
        let counted: Vec<_> = if version.is_some() {
            statistics_of(&found).into_iter().collect()
        } else {
            self.ready_models(|other| other == name).filter_map(|m| statistics_of(&m)).collect()
        };
        if counted.is_empty() {
            let feature = format_args!("statistics of `{name}`: the host does not count");
            return Err(Error::unsupported("this server", feature));
        }
        Ok(counted)
    }

    /// Every model, or those that answer requests.
    pub(super) fn index(&self, include: Include) -> Vec<IndexEntry> {
        let statuses = self.models.list().into_iter();
        statuses
            .filter(|status| include == Include::All || status.state == ModelState::Ready)
            .map(IndexEntry::new)
            .collect()
    }

    /// What loads and unloads models.
    pub(super) fn control(&self, repository: &str) -> Result<&dyn ModelControl> {
        if !repository.is_empty() {
            let feature = format_args!("repositories by name (`{repository}`)");
            return Err(Error::unsupported("this server", feature));
        }
        self.control.as_deref().ok_or_else(|| {
            Error::unsupported(
                "this server",
                "loading and unloading models: its host does not allow it",
            )
        })
    }

    /// What clients share with the server.
    pub(super) fn memory(&self) -> Result<&SharedMemory> {
        lent(self.memory.as_deref(), format_args!("its regions"))
    }

    fn ready_models(&self, which: impl Fn(&str) -> bool) -> impl Iterator<Item = Arc<ServedModel>> {
        let statuses = self.models.list().into_iter();
        statuses
            .filter(move |status| {
                status.state == ModelState::Ready && which(status.id.name.as_str())
            })
            // One that has gone since the list was made is not there any more.
            .filter_map(|status| {
                self.models.find(status.id.name.as_str(), Some(status.id.version)).ok()
            })
    }
}

fn statistics_of(model: &ServedModel) -> Option<ModelStatistics> {
    let statistics = model.statistics.as_ref()?;
    Some(ModelStatistics::new(&model.predict.descriptor().id, &statistics.snapshot()))
}

/// Which models an index lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Include {
    All,
    Ready,
}

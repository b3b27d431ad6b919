//! [`ModelTable`].

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};
use parking_lot::RwLock;

use super::models::{ModelState, ModelStatus, Models, ServedModel};

/// The models of a server: announced, then published when they are loaded and warm.
///
/// Announce all of them before the server starts to listen: it is ready once each is published.
#[derive(Debug, Default)]
pub struct ModelTable {
    models: RwLock<BTreeMap<ModelName, BTreeMap<ModelVersion, Entry>>>,
}

#[derive(Debug)]
enum Entry {
    Loading,
    Ready(Arc<ServedModel>),
    Failed { reason: String },
}

impl ModelTable {
    /// A table without models.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a model known that is about to be loaded. Does nothing if it is known.
    pub fn announce(&self, id: &ModelId) {
        let mut models = self.models.write();
        let versions = models.entry(id.name.clone()).or_default();
        versions.entry(id.version).or_insert(Entry::Loading);
    }

    /// Makes a model answer requests, under the name and version of its descriptor; returns the one
    /// that did so before.
    pub fn publish(&self, model: impl Into<ServedModel>) -> Option<Arc<ServedModel>> {
        let model = model.into();
        let id = Arc::clone(&model.predict.descriptor().id);
        self.set(&id, Entry::Ready(Arc::new(model)))
    }

    /// Says that a model could not be loaded; returns the one that answered before, which no longer
    /// does.
    pub fn fail(&self, id: &ModelId, error: &Error) -> Option<Arc<ServedModel>> {
        self.set(id, Entry::Failed { reason: error.report() })
    }

    /// Forgets a model; returns it if it answered requests.
    pub fn remove(&self, id: &ModelId) -> Option<Arc<ServedModel>> {
        let mut models = self.models.write();
        let versions = models.get_mut(&id.name)?;
        let removed = versions.remove(&id.version);
        if versions.is_empty() {
            models.remove(&id.name);
        }
        removed.and_then(Entry::into_served)
    }

    fn set(&self, id: &ModelId, entry: Entry) -> Option<Arc<ServedModel>> {
        let mut models = self.models.write();
        let before = models.entry(id.name.clone()).or_default().insert(id.version, entry);
        before.and_then(Entry::into_served)
    }
}

impl Models for ModelTable {
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<ServedModel>> {
        let models = self.models.read();
        let Some(versions) = models.get(name) else {
            return Err(Error::not_found("model", name));
        };
        let Some(version) = version else {
            let mut newest_first = versions.iter().rev();
            return match newest_first.find_map(|(_, entry)| entry.served()) {
                Some(model) => Ok(Arc::clone(model)),
                None => Err(Error::unavailable(
                    "model",
                    format_args!("no version of `{name}` is ready"),
                )),
            };
        };
        match versions.get(&version) {
            None => Err(Error::not_found("model version", format_args!("{name}/{version}"))),
            Some(Entry::Ready(model)) => Ok(Arc::clone(model)),
            Some(Entry::Loading) => {
                Err(Error::unavailable("model", format_args!("`{name}/{version}` is being loaded")))
            }
            Some(Entry::Failed { reason }) => {
                let reason = format_args!("`{name}/{version}` could not be loaded: {reason}");
                Err(Error::unavailable("model", reason))
            }
        }
    }

    fn list(&self) -> Vec<ModelStatus> {
        let models = self.models.read();
        let statuses = models.iter().flat_map(|(name, versions)| {
            versions.iter().map(|(version, entry)| ModelStatus {
                id: ModelId::new(name.clone(), *version),
                state: entry.state(),
            })
        });
        statuses.collect()
    }
}

impl Entry {
    fn served(&self) -> Option<&Arc<ServedModel>> {
        match self {
            Self::Ready(model) => Some(model),
            Self::Loading | Self::Failed { .. } => None,
        }
    }

    fn into_served(self) -> Option<Arc<ServedModel>> {
        match self {
            Self::Ready(model) => Some(model),
            Self::Loading | Self::Failed { .. } => None,
        }
    }

    fn state(&self) -> ModelState {
        match self {
            Self::Loading => ModelState::Loading,
            Self::Ready(_) => ModelState::Ready,
            Self::Failed { reason } => ModelState::Failed { reason: reason.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{
        inference::Predict,
        testing::session::{MockFactory, MockSession},
    };

    use super::*;
    use crate::batch::{Batcher, BatcherOptions};

    fn id(version: u64) -> ModelId {
        ModelId::new("m".parse().unwrap(), ModelVersion::new(version))
    }

    fn model(version: u64) -> Arc<dyn Predict> {
        let factory = MockFactory::new(MockSession::identity(1));
        Arc::new(Batcher::start(id(version), factory, BatcherOptions::default()).unwrap())
    }

    #[test]
    fn the_newest_ready_version_is_the_default() {
        let table = ModelTable::new();
        assert!(table.find("m", None).unwrap_err().is_not_found());
        for version in 1..=3 {
            table.announce(&id(version));
        }
        assert!(matches!(table.find("m", None), Err(Error::Unavailable { .. })));
        table.publish(model(1));
        table.publish(model(2));
        table.announce(&id(2));
        let found = |version| {
            table.find("m", version).map(|model| model.predict.descriptor().id.version.get())
        };
        assert_eq!(found(None).unwrap(), 2);
        assert_eq!(found(Some(ModelVersion::new(1))).unwrap(), 1);
        assert!(matches!(found(Some(ModelVersion::new(3))), Err(Error::Unavailable { .. })));
        assert!(found(Some(ModelVersion::new(4))).unwrap_err().is_not_found());

        table.fail(&id(3), &Error::corrupt("model", "m.onnx", "half a file"));
        let error = found(Some(ModelVersion::new(3))).unwrap_err();
        assert!(error.to_string().contains("half a file"), "{error}");
        let states: Vec<_> = table.list().into_iter().map(|status| status.state).collect();
        assert_eq!(states[..2], [ModelState::Ready, ModelState::Ready]);
        assert!(matches!(states[2], ModelState::Failed { .. }));

        assert!(table.remove(&id(2)).is_some());
        assert!(table.remove(&id(2)).is_none());
        assert_eq!(found(None).unwrap(), 1);
        table.remove(&id(1));
        table.remove(&id(3));
        assert!(found(None).unwrap_err().is_not_found());
    }
}

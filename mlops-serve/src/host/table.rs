//! [`ModelTable`].

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};
use parking_lot::RwLock;

use super::{
    models::{ModelState, ModelStatus, Models, ServedModel},
    route::{Entry, Route},
};

/// The models of a server: announced, then published when they are loaded and warm.
///
/// Announce all of them before the server starts to listen: it is ready once each is published.
///
/// It holds what the application loaded itself. A [`ModelHost`](super::ModelHost) also loads, swaps
/// and unloads.
#[derive(Debug, Default)]
pub struct ModelTable {
    /// Locked only to read or to exchange what is in it: nothing is loaded or ended meanwhile.
    routes: RwLock<BTreeMap<ModelName, Route>>,
}

impl ModelTable {
    /// A table without models.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a model known that is about to be loaded. Does nothing if it is known.
    pub fn announce(&self, id: &ModelId) {
        let mut routes = self.routes.write();
        let route = routes.entry(id.name.clone()).or_default();
        route.versions.entry(id.version).or_insert(Entry::NotReady(ModelState::Loading));
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
        self.set(id, Entry::NotReady(ModelState::Failed { reason: error.report() }))
    }

    /// Forgets a model; returns it if it answered requests.
    pub fn remove(&self, id: &ModelId) -> Option<Arc<ServedModel>> {
        let mut routes = self.routes.write();
        let route = routes.get_mut(&id.name)?;
        let removed = route.versions.remove(&id.version);
        if route.versions.is_empty() {
            routes.remove(&id.name);
        }
        removed.and_then(Entry::into_served)
    }

    /// Exchanges all versions of a name at once; without any, it is forgotten.
    pub(super) fn set_route(&self, name: &ModelName, route: Route) {
        let before = {
            let mut routes = self.routes.write();
            if route.versions.is_empty() {
                routes.remove(name)
            } else {
                routes.insert(name.clone(), route)
            }
        };
        // After the lock: what ends here must not hold up requests.
        drop(before);
    }

    fn set(&self, id: &ModelId, entry: Entry) -> Option<Arc<ServedModel>> {
        let mut routes = self.routes.write();
        let before = routes.entry(id.name.clone()).or_default().versions.insert(id.version, entry);
        before.and_then(Entry::into_served)
    }
}

impl Models for ModelTable {
    fn find(&self, name: &str, version: Option<ModelVersion>) -> Result<Arc<ServedModel>> {
        match self.routes.read().get(name) {
            Some(route) => route.find(name, version).cloned(),
            None => Err(Error::not_found("model", name)),
        }
    }

    fn list(&self) -> Vec<ModelStatus> {
        self.routes.read().iter().flat_map(|(name, route)| route.list(name)).collect()
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

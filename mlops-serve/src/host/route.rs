//! [`Route`]: the versions of one name, as requests see them.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Error, Result,
    model::{ModelId, ModelName, ModelVersion},
};

use super::models::{ModelState, ModelStatus, ServedModel};

/// The versions of one name.
#[derive(Debug, Default)]
pub(super) struct Route {
    pub(super) versions: BTreeMap<ModelVersion, Entry>,
    /// The one to ask if none is named; otherwise the newest that is ready.
    pub(super) default: Option<ModelVersion>,
}

/// A version.
#[derive(Debug)]
pub(super) enum Entry {
    Ready(Arc<ServedModel>),
    /// Any state but [`ModelState::Ready`].
    NotReady(ModelState),
}

impl Route {
    pub(super) fn find(
        &self,
        name: &str,
        version: Option<ModelVersion>,
    ) -> Result<&Arc<ServedModel>> {
        let Some(version) = version else {
            let unavailable =
                || Error::unavailable("model", format_args!("no version of `{name}` is ready"));
            return self.default().ok_or_else(unavailable);
        };
        let unavailable = |state: &str| {
            Err(Error::unavailable("model", format_args!("`{name}/{version}` {state}")))
        };
        match self.versions.get(&version) {
            None => Err(Error::not_found("model version", format_args!("{name}/{version}"))),
            Some(Entry::Ready(model)) => Ok(model),
            Some(Entry::NotReady(ModelState::Failed { reason })) => {
                unavailable(&format!("could not be loaded: {reason}"))
            }
            Some(Entry::NotReady(ModelState::Draining)) => unavailable("is being unloaded"),
            Some(Entry::NotReady(ModelState::Unloaded)) => unavailable("is not loaded"),
            Some(Entry::NotReady(ModelState::Loading | ModelState::Ready)) => {
                unavailable("is being loaded")
            }
        }
    }

    fn default(&self) -> Option<&Arc<ServedModel>> {
        let chosen = self.default.and_then(|version| self.versions.get(&version));
        chosen
            .and_then(Entry::served)
            .or_else(|| self.versions.values().rev().find_map(Entry::served))
    }

    pub(super) fn list(&self, name: &ModelName) -> impl Iterator<Item = ModelStatus> {
        self.versions.iter().map(|(version, entry)| ModelStatus {
            id: ModelId::new(name.clone(), *version),
            state: entry.state(),
        })
    }
}

impl Entry {
    fn served(&self) -> Option<&Arc<ServedModel>> {
        match self {
            Self::Ready(model) => Some(model),
            Self::NotReady(_) => None,
        }
    }

    pub(super) fn into_served(self) -> Option<Arc<ServedModel>> {
        match self {
            Self::Ready(model) => Some(model),
            Self::NotReady(_) => None,
        }
    }

    fn state(&self) -> ModelState {
        match self {
            Self::Ready(_) => ModelState::Ready,
            Self::NotReady(state) => state.clone(),
        }
    }
}

//! [`ModelId`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{ModelName, ModelVersion};

/// One version of one model. Shown as `name/3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelId {
    /// Which model.
    pub name: ModelName,
    /// Which version of it.
    pub version: ModelVersion,
}

impl ModelId {
    /// The given version of the model of this name.
    #[must_use]
    pub fn new(name: ModelName, version: ModelVersion) -> Self {
        Self { name, version }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

//! [`Lineage`].

use serde::{Deserialize, Serialize};

use crate::{Digest, model::ModelId};

/// Where a model came from: enough to find the code, the data and the run again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// The tracking run that made it.
    pub run: Option<String>,
    /// The data it was made from.
    pub datasets: Vec<DatasetRef>,
    /// The commit of the code that made it.
    pub git_commit: Option<String>,
    /// The model it was fine-tuned or retrained from.
    pub parent: Option<ModelId>,
}

/// One dataset, by name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRef {
    /// What people call it.
    pub name: String,
    /// What it contained.
    pub digest: Digest,
}

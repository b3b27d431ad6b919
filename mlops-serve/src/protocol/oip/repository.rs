//! The model repository extension: which models there are, and loading and unloading them.

use mlops_core::{Error, Result};
use serde::Serialize;

use crate::host::{LoadOptions, ModelState, ModelStatus};

/// What a file's parameter begins with; its path follows.
const FILE: &str = "file:";

/// A model in the repository's index.
#[derive(Debug, Serialize)]
pub(super) struct IndexEntry {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) state: &'static str,
    pub(super) reason: String,
}

impl IndexEntry {
    pub(super) fn new(status: ModelStatus) -> Self {
        let (state, reason) = match status.state {
            ModelState::Loading => ("LOADING", String::new()),
            ModelState::Ready => ("READY", String::new()),
            ModelState::Failed { reason } => ("UNAVAILABLE", reason),
            ModelState::Draining => ("UNLOADING", String::new()),
            ModelState::Unloaded => ("UNAVAILABLE", "unloaded".into()),
        };
        let (name, version) = (status.id.name.to_string(), status.id.version.to_string());
        Self { name, version, state, reason }
    }
}

/// A parameter of a load: text, or the content of a file.
#[derive(Debug)]
pub(super) enum LoadParameter {
    Text(String),
    File(bytes::Bytes),
}

/// The options that the parameters of a load ask for. What `transport` does to bytes, it has undone.
pub(super) fn load_options(
    parameters: impl IntoIterator<Item = (String, LoadParameter)>,
) -> Result<LoadOptions> {
    let mut options = LoadOptions::default();
    for (key, value) in parameters {
        match (key.strip_prefix(FILE), value) {
            (Some(path), LoadParameter::File(content)) => {
                options.files.insert(path.to_owned(), content);
            }
            (None, LoadParameter::Text(config)) if key == "config" => {
                options.config = Some(config);
            }
            _ => {
                let reason =
                    format!("`{key}`: only `config` (text) and `{FILE}PATH` (bytes) are known");
                return Err(Error::invalid("load parameter", reason));
            }
        }
    }
    Ok(options)
}

/// True for a parameter that holds a file.
pub(super) fn is_file(key: &str) -> bool {
    key.starts_with(FILE)
}

/// Refuses to unload the models that one consists of: here, none consists of others.
pub(super) fn refuse_dependents() -> Error {
    Error::unsupported("this server", "`unload_dependents`: no model here consists of others")
}

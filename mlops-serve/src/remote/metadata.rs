//! What a model is, from its server's metadata.

use std::sync::Arc;

use mlops_core::{
    Error, Result,
    inference::ModelDescriptor,
    model::{ModelId, ModelName, ModelVersion},
    signature::{Dim, ModelSignature, TensorSpec},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{client::Client, error::malformed};

#[derive(Deserialize)]
struct WireModel {
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    platform: String,
    inputs: Vec<WireTensor>,
    outputs: Vec<WireTensor>,
}

#[derive(Deserialize)]
struct WireTensor {
    name: String,
    datatype: String,
    shape: Vec<i64>,
}

#[derive(Deserialize)]
struct WireConfig {
    #[serde(default)]
    max_batch_size: u64,
}

/// Versions that are asked at most whether they are ready.
const MAX_VERSIONS: usize = 64;

/// A model as its server describes it, and the path of it.
pub(super) async fn describe(
    client: &Client,
    name: &ModelName,
    version: Option<ModelVersion>,
) -> Result<(ModelDescriptor, Vec<String>)> {
    let mut path = vec!["v2".to_owned(), "models".to_owned(), name.to_string()];
    let version = match version {
        Some(version) => Some(version),
        None => newest_ready(client, name, &path).await?,
    };
    if let Some(version) = version {
        path.extend(["versions".to_owned(), version.to_string()]);
    }
    let model: WireModel = get(client, &path, None).await?;
    let specs = |tensors: Vec<WireTensor>| {
        let spec = |tensor| spec(tensor).map_err(|error| malformed(client.base(), error.report()));
        tensors.into_iter().map(spec).collect::<Result<Vec<_>>>()
    };
    let signature = ModelSignature { inputs: specs(model.inputs)?, outputs: specs(model.outputs)? };
    signature.check().map_err(|error| malformed(client.base(), error))?;
    let batchable = signature.is_batchable();
    // A server without versions has one.
    let id = ModelId::new(name.clone(), version.unwrap_or(ModelVersion::new(1)));
    let mut descriptor =
        ModelDescriptor::new(Arc::new(id), Arc::new(signature), model.platform.as_str());
    descriptor.max_batch_size = match get::<WireConfig>(client, &path, Some("config")).await {
        Ok(config) => usize::try_from(config.max_batch_size).ok().filter(|size| *size > 0),
        // Not every server has it; then the server says if it is too much.
        Err(_) => batchable.then_some(usize::MAX),
    };
    Ok((descriptor, path))
}

/// The newest version that is ready; `None` if the server has no versions.
async fn newest_ready(
    client: &Client,
    name: &ModelName,
    path: &[String],
) -> Result<Option<ModelVersion>> {
    let model: WireModel = get(client, path, None).await?;
    let versions = model.versions.iter().filter_map(|version| version.parse().ok());
    let mut versions: Vec<ModelVersion> = versions.collect();
    if versions.is_empty() {
        return Ok(None);
    }
    versions.sort_unstable_by(|left, right| right.cmp(left));
    for version in versions.into_iter().take(MAX_VERSIONS) {
        let text = version.to_string();
        let segments = path.iter().map(String::as_str).chain(["versions", &text, "ready"]);
        if client.get(client.url(&segments.collect::<Vec<_>>())).await.is_ok() {
            return Ok(Some(version));
        }
    }
    Err(Error::unavailable("model", format_args!("no version of `{name}` is ready")))
}

async fn get<T: DeserializeOwned>(
    client: &Client,
    path: &[String],
    last: Option<&str>,
) -> Result<T> {
    let segments: Vec<_> = path.iter().map(String::as_str).chain(last).collect();
    let answer = client.get(client.url(&segments)).await?;
    serde_json::from_slice(&answer.body).map_err(|error| malformed(client.base(), error))
}

fn spec(tensor: WireTensor) -> Result<TensorSpec> {
    let dim = |size: i64| usize::try_from(size).map_or(Dim::Unknown, Dim::Fixed);
    let shape = tensor.shape.into_iter().map(dim);
    Ok(TensorSpec::new(tensor.name, tensor.datatype.parse()?, shape))
}

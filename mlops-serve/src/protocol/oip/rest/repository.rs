//! The model repository.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use mlops_core::{Error, Result};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    body,
    routes::{Rest, Shared, WireResult},
};
use crate::protocol::oip::{
    repository::{IndexEntry, LoadParameter, is_file, load_options, refuse_dependents},
    server::Include,
};

/// The repository, if one is named, and the model of a path.
#[derive(Debug, Deserialize)]
pub(super) struct RepositoryPath {
    #[serde(default)]
    repository: String,
    #[serde(default)]
    model: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Index {
    ready: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Load {
    parameters: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Unload {
    parameters: UnloadParameters,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UnloadParameters {
    unload_dependents: bool,
}

pub(super) async fn index(
    State(rest): Shared,
    request: Request,
) -> WireResult<Json<Vec<IndexEntry>>> {
    let Index { ready } = read(&rest, request).await?;
    Ok(Json(rest.server.index(if ready { Include::Ready } else { Include::All })))
}

pub(super) async fn load(
    State(rest): Shared,
    Path(path): Path<RepositoryPath>,
    request: Request,
) -> WireResult<StatusCode> {
    let control = rest.server.control(&path.repository)?;
    let Load { parameters } = read(&rest, request).await?;
    let parameters = parameters.into_iter().map(|(key, value)| {
        let value = load_parameter(&key, value)?;
        Ok((key, value))
    });
    let options = load_options(parameters.collect::<Result<Vec<_>>>()?)?;
    control.load(&path.model, options).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn unload(
    State(rest): Shared,
    Path(path): Path<RepositoryPath>,
    request: Request,
) -> WireResult<StatusCode> {
    let control = rest.server.control(&path.repository)?;
    let Unload { parameters } = read(&rest, request).await?;
    if parameters.unload_dependents {
        return Err(refuse_dependents().into());
    }
    control.unload(&path.model).await?;
    Ok(StatusCode::OK)
}

/// Files are base64 in JSON.
fn load_parameter(key: &str, value: Value) -> Result<LoadParameter> {
    let Value::String(text) = value else {
        return Err(Error::invalid("load parameter", format_args!("`{key}` is not a string")));
    };
    if !is_file(key) {
        return Ok(LoadParameter::Text(text));
    }
    let content = STANDARD.decode(text).map(|content| LoadParameter::File(content.into()));
    content.map_err(|error| {
        Error::invalid("load parameter", format_args!("`{key}` is not base64: {error}"))
    })
}

/// The body as JSON; without a body, everything is as by default.
pub(super) async fn read<T: DeserializeOwned + Default>(
    rest: &Rest,
    request: Request,
) -> Result<T> {
    let body: Bytes = body::read(request, rest.max_body_bytes).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&body)
        .map_err(|error| Error::invalid("request body", format_args!("JSON: {error}")))
}

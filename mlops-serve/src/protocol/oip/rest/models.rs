//! What the server and its models say of themselves.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::routes::{ModelPath, Shared, WireResult};
use crate::protocol::{
    health::all_ready,
    oip::{
        config::ModelConfig,
        metadata::{ModelMetadata, ServerMetadata},
    },
};

pub(super) async fn server(State(rest): Shared) -> Json<ServerMetadata> {
    Json(rest.server.metadata())
}

pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

pub(super) async fn ready(State(rest): Shared) -> Response {
    let ready = all_ready(&*rest.server.models);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready }))).into_response()
}

pub(super) async fn list(State(rest): Shared) -> Json<Value> {
    let statuses = rest.server.models.list().into_iter();
    let mut names: Vec<_> = statuses.map(|status| status.id.name.to_string()).collect();
    names.dedup();
    Json(json!({ "models": names }))
}

pub(super) async fn model_ready(
    State(rest): Shared,
    Path(path): Path<ModelPath>,
) -> WireResult<Json<Value>> {
    rest.server.find(&path.model, path.version())?;
    Ok(Json(json!({ "name": path.model, "ready": true })))
}

pub(super) async fn metadata(
    State(rest): Shared,
    Path(path): Path<ModelPath>,
) -> WireResult<Json<ModelMetadata>> {
    Ok(Json(rest.server.model_metadata(&path.model, path.version())?))
}

pub(super) async fn config(
    State(rest): Shared,
    Path(path): Path<ModelPath>,
) -> WireResult<Json<ModelConfig>> {
    Ok(Json(rest.server.config(&path.model, path.version())?))
}

pub(super) async fn statistics(
    State(rest): Shared,
    Path(path): Path<ModelPath>,
) -> WireResult<Json<Value>> {
    let statistics = rest.server.statistics(Some(&path.model), path.version())?;
    Ok(Json(json!({ "model_stats": statistics })))
}

pub(super) async fn all_statistics(State(rest): Shared) -> WireResult<Json<Value>> {
    let statistics = rest.server.statistics(None, None)?;
    Ok(Json(json!({ "model_stats": statistics })))
}

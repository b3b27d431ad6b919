//! Shared memory that clients register.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use mlops_core::Error;
use serde::Deserialize;

use super::{
    repository::read,
    routes::{Shared, WireResult},
};
use crate::protocol::oip::shared_memory::RegionStatus;

/// The region of a path, if one is named.
#[derive(Debug, Deserialize)]
pub(super) struct RegionPath {
    region: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Register {
    key: Option<String>,
    #[serde(default)]
    offset: u64,
    byte_size: Option<u64>,
}

pub(super) async fn region_status(
    State(rest): Shared,
    Path(path): Path<RegionPath>,
) -> WireResult<Json<Vec<RegionStatus>>> {
    Ok(Json(rest.server.memory()?.status(path.region.as_deref())?))
}

pub(super) async fn register(
    State(rest): Shared,
    Path(path): Path<RegionPath>,
    request: Request,
) -> WireResult<StatusCode> {
    let memory = rest.server.memory()?;
    let Register { key, offset, byte_size } = read(&rest, request).await?;
    let missing = |what| Error::invalid("shared memory", format_args!("`{what}` is missing"));
    let status = RegionStatus {
        name: path.region.ok_or_else(|| missing("region"))?,
        key: key.ok_or_else(|| missing("key"))?,
        offset,
        byte_size: byte_size.ok_or_else(|| missing("byte_size"))?,
    };
    memory.register(status)?;
    Ok(StatusCode::OK)
}

pub(super) async fn unregister(
    State(rest): Shared,
    Path(path): Path<RegionPath>,
) -> WireResult<StatusCode> {
    rest.server.memory()?.unregister(path.region.as_deref());
    Ok(StatusCode::OK)
}

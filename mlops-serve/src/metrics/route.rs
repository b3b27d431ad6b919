//! `/metrics`.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::registry::Registry;

use super::text::{Format, encode};

/// `GET /metrics`: OpenMetrics for clients that accept it, the classic form for others.
pub fn router(registry: Arc<Registry>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(registry)
}

async fn metrics(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> impl IntoResponse {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = if accepts.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
        Format::OpenMetrics
    } else {
        Format::Classic
    };
    ([(header::CONTENT_TYPE, format.content_type())], encode(&registry, format))
}

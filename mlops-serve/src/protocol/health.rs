//! `/health` and `/ready`, for load balancers and orchestrators.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::json;

use crate::host::{ModelState, Models};

/// `GET /health` is 200 while the process answers; `GET /ready` is 200 once every known model is
/// loaded and warm, and 503 before, with the models that are not.
pub fn router(models: Arc<dyn Models>) -> Router {
    Router::new()
        .route("/health", get(async || Json(json!({"status": "ok"}))))
        .route("/ready", get(ready))
        .with_state(models)
}

async fn ready(State(models): State<Arc<dyn Models>>) -> impl IntoResponse {
    let waiting: Vec<_> = models
        .list()
        .into_iter()
        .filter(|status| !is_settled(&status.state))
        .map(|status| match status.state {
            ModelState::Failed { reason } => format!("{}: {reason}", status.id),
            _ => format!("{}: loading", status.id),
        })
        .collect();
    let status = if waiting.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": waiting.is_empty(), "waiting_for": waiting})))
}

/// True once every known model is loaded and warm.
pub(super) fn all_ready(models: &dyn Models) -> bool {
    models.list().iter().all(|status| is_settled(&status.state))
}

/// True if there is nothing to wait for: it answers, or nobody wants it to.
fn is_settled(state: &ModelState) -> bool {
    matches!(state, ModelState::Ready | ModelState::Draining | ModelState::Unloaded)
}

//! The routes.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, post},
};
use mlops_core::Result;

use super::{
    error::{WireError, error_response},
    infer::infer,
    models::{
        all_statistics, config, list, live, metadata, model_ready, ready, server, statistics,
    },
    options::RestOptions,
    repository::{index, load, unload},
    shared_memory::{region_status, register, unregister},
};
use crate::protocol::oip::server::Server;

/// What every handler sees.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) server: Server,
    pub(super) max_body_bytes: usize,
    pub(super) max_json_depth: usize,
}

pub(super) type Shared = State<Arc<Rest>>;
pub(super) type WireResult<T> = Result<T, WireError>;

/// The model, and the version if one is given, of a path.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ModelPath {
    pub(super) model: String,
    version: Option<String>,
}

impl ModelPath {
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

/// The protocol's routes to a [`Server`], or to models that make one, to be merged into the host's
/// router.
pub fn router(server: impl Into<Server>, options: RestOptions) -> Router {
    let (server, RestOptions { max_body_bytes, max_json_depth }) = (server.into(), options);
    let router = routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    router.route("/v2/{*unknown}", any(not_found)).with_state(Arc::new(Rest {
        server,
        max_body_bytes,
        max_json_depth,
    }))
}

/// Every route, which `openapi.json` describes.
fn routes() -> Vec<(&'static str, MethodRouter<Arc<Rest>>)> {
    vec![
        ("/v2", only_get(get(server))),
        ("/v2/openapi.json", only_get(get(openapi))),
        ("/v2/health/live", only_get(get(live))),
        ("/v2/health/ready", only_get(get(ready))),
        ("/v2/models", only_get(get(list))),
        ("/v2/models/stats", only_get(get(all_statistics))),
        ("/v2/models/{model}", only_get(get(metadata))),
        ("/v2/models/{model}/versions/{version}", only_get(get(metadata))),
        ("/v2/models/{model}/ready", only_get(get(model_ready))),
        ("/v2/models/{model}/versions/{version}/ready", only_get(get(model_ready))),
        ("/v2/models/{model}/config", only_get(get(config))),
        ("/v2/models/{model}/versions/{version}/config", only_get(get(config))),
        ("/v2/models/{model}/stats", only_get(get(statistics))),
        ("/v2/models/{model}/versions/{version}/stats", only_get(get(statistics))),
        ("/v2/models/{model}/infer", only_post(post(infer))),
        ("/v2/models/{model}/versions/{version}/infer", only_post(post(infer))),
        ("/v2/systemsharedmemory/status", only_get(get(region_status))),
        ("/v2/systemsharedmemory/unregister", only_post(post(unregister))),
        ("/v2/systemsharedmemory/region/{region}/status", only_get(get(region_status))),
        ("/v2/systemsharedmemory/region/{region}/register", only_post(post(register))),
        ("/v2/systemsharedmemory/region/{region}/unregister", only_post(post(unregister))),
        ("/v2/repository/index", only_post(post(index))),
        ("/v2/repository/models/{model}/load", only_post(post(load))),
        ("/v2/repository/models/{model}/unload", only_post(post(unload))),
        ("/v2/repository/{repository}/models/{model}/load", only_post(post(load))),
        ("/v2/repository/{repository}/models/{model}/unload", only_post(post(unload))),
    ]
}

fn only_get(methods: MethodRouter<Arc<Rest>>) -> MethodRouter<Arc<Rest>> {
    methods.fallback(async |method: Method| method_not_allowed(&method, "GET"))
}

fn only_post(methods: MethodRouter<Arc<Rest>>) -> MethodRouter<Arc<Rest>> {
    methods.fallback(async |method: Method| method_not_allowed(&method, "POST"))
}

fn method_not_allowed(method: &Method, allowed: &'static str) -> Response {
    let message = format!("{method} is not allowed here, only {allowed}");
    let mut response = error_response(StatusCode::METHOD_NOT_ALLOWED, &message);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn not_found() -> Response {
    error_response(StatusCode::NOT_FOUND, "Not Found")
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// The routes for those who generate clients.
const OPENAPI: &str = include_str!("openapi.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_in_the_openapi_document_and_the_other_way_round() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let described: BTreeSet<_> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let served: BTreeSet<_> = routes().into_iter().map(|(path, _)| path).collect();
        assert_eq!(described, served);
    }
}

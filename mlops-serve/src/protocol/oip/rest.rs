//! The routes.

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mlops_core::{
    Error, Result,
    inference::ModelDescriptor,
    model::ModelVersion,
    signature::{Dim, TensorSpec},
};
use serde_json::{Value, json};

use super::{
    decode::decode,
    encode::encode,
    error::{WireError, error_response},
    headers,
};
use crate::{
    host::{Models, ServedModel},
    protocol::health::all_ready,
    record::{NoRecorder, RequestRecorder},
};

/// Options of [`router`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestOptions {
    /// The largest body in bytes.
    pub max_body_bytes: usize,
    /// How deep arrays and objects in a body may be nested.
    pub max_json_depth: usize,
    /// The server's name in its metadata.
    pub server_name: String,
    /// The server's version in its metadata.
    pub server_version: String,
    /// Told of requests that are refused before a model sees them.
    pub recorder: Arc<dyn RequestRecorder>,
}

impl Default for RestOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 20,
            max_json_depth: 64,
            server_name: env!("CARGO_PKG_NAME").into(),
            server_version: env!("CARGO_PKG_VERSION").into(),
            recorder: Arc::new(NoRecorder),
        }
    }
}

impl RestOptions {
    /// Sets the largest body in bytes.
    #[must_use]
    pub fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets how deep arrays and objects in a body may be nested.
    #[must_use]
    pub fn with_max_json_depth(mut self, depth: usize) -> Self {
        self.max_json_depth = depth;
        self
    }

    /// Sets the server's name and version in its metadata.
    #[must_use]
    pub fn with_server(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.server_name = name.into();
        self.server_version = version.into();
        self
    }

    /// Tells `recorder` of requests that are refused before a model sees them.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Arc<dyn RequestRecorder>) -> Self {
        self.recorder = recorder;
        self
    }
}

#[derive(Debug)]
struct Rest {
    models: Arc<dyn Models>,
    options: RestOptions,
}

type Shared = State<Arc<Rest>>;
type WireResult<T> = Result<T, WireError>;

/// The protocol's routes over these models, to be merged into the host's router.
pub fn router(models: Arc<dyn Models>, options: RestOptions) -> Router {
    let routes = [
        ("/v2", only_get(get(server_metadata))),
        ("/v2/health/live", only_get(get(async || Json(json!({"live": true}))))),
        ("/v2/health/ready", only_get(get(ready))),
        ("/v2/models", only_get(get(list))),
        ("/v2/models/{model}", only_get(get(metadata))),
        ("/v2/models/{model}/versions/{version}", only_get(get(metadata))),
        ("/v2/models/{model}/ready", only_get(get(model_ready))),
        ("/v2/models/{model}/versions/{version}/ready", only_get(get(model_ready))),
        ("/v2/models/{model}/infer", only_post(post(infer))),
        ("/v2/models/{model}/versions/{version}/infer", only_post(post(infer))),
        ("/v2/{*unknown}", axum::routing::any(not_found)),
    ];
    let router = routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    router.with_state(Arc::new(Rest { models, options }))
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

async fn server_metadata(State(rest): Shared) -> Json<Value> {
    Json(json!({
        "name": rest.options.server_name,
        "version": rest.options.server_version,
        "extensions": ["binary_tensor_data", "parameters"],
    }))
}

async fn ready(State(rest): Shared) -> Response {
    let ready = all_ready(&*rest.models);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready }))).into_response()
}

async fn list(State(rest): Shared) -> Json<Value> {
    let mut names: Vec<_> =
        rest.models.list().into_iter().map(|status| status.id.name.to_string()).collect();
    names.dedup();
    Json(json!({ "models": names }))
}

/// The model, and the version if one is given, of a path.
#[derive(Debug, serde::Deserialize)]
struct ModelPath {
    model: String,
    version: Option<String>,
}

impl ModelPath {
    fn version(&self) -> Result<Option<ModelVersion>> {
        self.version.as_deref().map(str::parse).transpose()
    }

    fn find(&self, models: &dyn Models) -> Result<Arc<ServedModel>> {
        models.find(&self.model, self.version()?)
    }
}

async fn model_ready(State(rest): Shared, Path(path): Path<ModelPath>) -> WireResult<Json<Value>> {
    path.find(&*rest.models)?;
    Ok(Json(json!({ "name": path.model, "ready": true })))
}

async fn metadata(State(rest): Shared, Path(path): Path<ModelPath>) -> WireResult<Json<Value>> {
    let model = path.find(&*rest.models)?;
    let ModelDescriptor { signature, platform, .. } = model.predict.descriptor();
    let versions: Vec<_> = rest
        .models
        .list()
        .into_iter()
        .filter(|status| status.id.name.as_str() == path.model)
        .map(|status| status.id.version.to_string())
        .collect();
    let specs = |specs: &[TensorSpec]| specs.iter().map(tensor_metadata).collect::<Vec<_>>();
    Ok(Json(json!({
        "name": path.model,
        "versions": versions,
        "platform": **platform,
        "inputs": specs(&signature.inputs),
        "outputs": specs(&signature.outputs),
    })))
}

fn tensor_metadata(spec: &TensorSpec) -> Value {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        Dim::Symbolic(_) | Dim::Unknown => -1,
    };
    let shape: Vec<_> = spec.shape.iter().map(size).collect();
    json!({ "name": *spec.name, "datatype": spec.data_type.name(), "shape": shape })
}

async fn infer(State(rest): Shared, Path(path): Path<ModelPath>, request: Request) -> Response {
    match answer(&rest, &path, request).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

async fn answer(rest: &Rest, path: &ModelPath, request: Request) -> WireResult<Response> {
    let arrived = Instant::now();
    let model = path.find(&*rest.models).inspect_err(|error| {
        // Not the client's word for it: labels must not be theirs to make up.
        rest.options.recorder.refused(None, error);
    })?;
    let descriptor = model.predict.descriptor();
    let decoded = async {
        let json_length = json_length(request.headers())?;
        let trace_parent = trace_parent(request.headers());
        let RestOptions { max_body_bytes, max_json_depth, .. } = rest.options;
        let body = read_body(request, max_body_bytes).await?;
        let mut decoded = decode(body, json_length, max_json_depth, &descriptor.signature)?;
        if trace_parent.is_some() {
            let context = decoded.request.context.get_or_insert_default();
            Arc::make_mut(context).trace_parent = trace_parent;
        }
        Ok(decoded)
    };
    let decoded = decoded.await.inspect_err(|error| {
        rest.options.recorder.refused(Some(&descriptor.id), error);
    })?;
    let mut request = decoded.request;
    request.deadline = decoded.timeout.and_then(|timeout| arrived.checked_add(timeout));
    let response = model.predict.predict(request).await?;
    let encoded = encode(&response, decoded.id.as_deref(), &decoded.form)?;

    let mut http = Response::new(Body::from(encoded.body));
    let headers = http.headers_mut();
    let content_type = if let Some(length) = encoded.json_length {
        headers.insert(headers::JSON_LENGTH, length.into());
        "application/octet-stream"
    } else {
        "application/json"
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(http)
}

fn json_length(headers: &HeaderMap) -> Result<Option<usize>> {
    let Some(value) = headers.get(headers::JSON_LENGTH) else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| {
        Error::invalid("Inference-Header-Content-Length", format_args!("{value:?} is not a length"))
    })
}

fn trace_parent(headers: &HeaderMap) -> Option<Arc<str>> {
    headers.get("traceparent")?.to_str().ok().map(Arc::from)
}

async fn read_body(request: Request, limit: usize) -> Result<Bytes> {
    let too_large =
        |actual: u64| Error::TooLarge { what: "request body (bytes)", actual, limit: limit as u64 };
    if let Some(encoding) = request.headers().get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        let feature = format!("Content-Encoding {encoding:?}: send the body as it is");
        return Err(Error::unsupported("this server", feature));
    }
    // A client that says how much it will send is told at once that it is too much.
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(announced) = announced.filter(|announced| *announced > limit as u64) {
        return Err(too_large(announced));
    }
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit as u64 + 1)),
        Err(error) => Err(Error::invalid("request body", format_args!("it broke off: {error}"))),
    }
}

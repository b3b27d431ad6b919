//! Inference.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use mlops_core::{Error, Result};

use super::{
    body,
    compression::Encoding,
    decode::{Decoded, Limits, decode},
    encode::encode,
    routes::{ModelPath, Rest, Shared, WireResult},
};
use crate::{
    host::ServedModel,
    protocol::oip::{classification::classify, headers::JSON_LENGTH, shared_memory::write_outputs},
};

pub(super) async fn infer(
    State(rest): Shared,
    Path(path): Path<ModelPath>,
    request: Request,
) -> WireResult<Response> {
    let arrived = Instant::now();
    let recorder = &rest.server.recorder;
    let model = rest.server.find(&path.model, path.version()).inspect_err(|error| {
        // Not the client's word for it: labels must not be theirs to make up.
        recorder.refused(None, error);
    })?;
    let accepted = request.headers().get_all(header::ACCEPT_ENCODING).iter().cloned();
    let accepted: Vec<HeaderValue> = accepted.collect();
    let descriptor = model.predict.descriptor();
    let decoded = read(&rest, &model, request).await.inspect_err(|error| {
        recorder.refused(Some(&descriptor.id), error);
    })?;
    let Decoded { mut request, id, form, classes, mut slots, timeout } = decoded;
    request.deadline = timeout.and_then(|timeout| arrived.checked_add(timeout));
    let mut response = model.predict.predict(request).await?;
    response.outputs = classify(response.outputs, &classes, descriptor)?;
    write_outputs(rest.server.memory.as_deref(), &response.outputs, &mut slots)?;
    let encoded = encode(&response, id.as_deref(), &form, &slots)?;

    let encoding = Encoding::for_response(&accepted, encoded.body.len());
    let mut http = Response::new(Body::empty());
    let headers = http.headers_mut();
    let content_type = if let Some(length) = encoded.json_length {
        headers.insert(JSON_LENGTH, length.into());
        "application/octet-stream"
    } else {
        "application/json"
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *http.body_mut() = match encoding {
        None => Body::from(encoded.body),
        Some(encoding) => {
            let name = HeaderValue::from_static(encoding.name());
            headers.insert(header::CONTENT_ENCODING, name);
            encoding.compress(encoded.body)
        }
    };
    Ok(http)
}

/// What the client asks of this model.
async fn read(rest: &Rest, model: &ServedModel, request: Request) -> Result<Decoded> {
    let json_length = json_length(request.headers())?;
    let trace_parent = trace_parent(request.headers());
    let body = body::read(request, rest.max_body_bytes).await?;
    let limits = Limits {
        max_json_depth: rest.max_json_depth,
        max_tensor_bytes: rest.max_body_bytes,
        memory: rest.server.memory.as_deref(),
    };
    let mut decoded = decode(body, json_length, limits, model.predict.descriptor())?;
    if trace_parent.is_some() {
        let context = decoded.request.context.get_or_insert_default();
        Arc::make_mut(context).trace_parent = trace_parent;
    }
    Ok(decoded)
}

fn json_length(headers: &HeaderMap) -> Result<Option<usize>> {
    let Some(value) = headers.get(JSON_LENGTH) else {
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

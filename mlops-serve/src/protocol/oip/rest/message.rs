//! Requests and answers as messages of a queue: the same bodies as over HTTP, and the length of the JSON
//! in a header of the same name.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor},
};

use super::{
    decode::{self, Limits},
    encode::{self, OutputForm},
    options::RestOptions,
};
use crate::protocol::oip::{headers::JSON_LENGTH, shared_memory::Slots};

/// The request for a model in a message. Outputs are not sent back as the message says: see [`encode`].
pub(crate) fn decode(
    body: Bytes,
    json_length: Option<&str>,
    trace_parent: Option<&str>,
    model: &ModelDescriptor,
) -> Result<InferenceRequest> {
    let arrived = Instant::now();
    let json_length = json_length
        .map(|length| {
            let wrong = |error| Error::invalid(JSON_LENGTH, format_args!("`{length}`: {error}"));
            length.trim().parse().map_err(wrong)
        })
        .transpose()?;
    let RestOptions { max_json_depth, .. } = RestOptions::default();
    let limits = Limits { max_json_depth, max_tensor_bytes: body.len(), memory: None };
    let decoded = decode::decode(body, json_length, limits, model)?;
    if decoded.classes.iter().any(Option::is_some) {
        return Err(Error::unsupported("a message", "classification"));
    }
    let mut request = decoded.request;
    request.deadline = decoded.timeout.and_then(|timeout| arrived.checked_add(timeout));
    if let Some(parent) = trace_parent {
        let context = request.context.get_or_insert_default();
        Arc::make_mut(context).trace_parent = Some(parent.into());
    }
    Ok(request)
}

/// The body of an answer, with all outputs as binary data, and the length of the JSON before them.
pub(crate) fn encode(
    request: &InferenceRequest,
    response: &InferenceResponse,
) -> Result<(Bytes, Option<usize>)> {
    let id = request.context.as_ref().and_then(|context| context.id.as_deref());
    let encoded = encode::encode(response, id, &OutputForm::all(true), &Slots::new())?;
    Ok((encoded.body.into(), encoded.json_length))
}

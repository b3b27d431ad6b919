//! A request to its bytes.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use mlops_core::{
    Result,
    inference::{InferenceRequest, Parameter, RequestContext},
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;

use super::error::backend;
use crate::protocol::oip::{binary, headers};

#[derive(Serialize)]
struct WireRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    parameters: WireParameters<'a>,
    inputs: Vec<WireInput<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Vec<WireOutput<'a>>>,
}

#[derive(Serialize)]
struct WireParameters<'a> {
    binary_data_output: bool,
    #[serde(skip_serializing_if = "is_zero")]
    priority: u32,
    /// Microseconds.
    timeout: u64,
    #[serde(flatten)]
    others: BTreeMap<&'a str, &'a Parameter>,
}

#[derive(Serialize)]
struct WireInput<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    parameters: InputParameters,
}

#[derive(Serialize)]
struct InputParameters {
    binary_data_size: usize,
}

#[derive(Serialize)]
struct WireOutput<'a> {
    name: &'a str,
    parameters: OutputParameters,
}

#[derive(Serialize)]
struct OutputParameters {
    binary_data: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(priority: &u32) -> bool {
    *priority == 0
}

/// Parameters that are said by fields of their own.
const RESERVED: [&str; 3] = ["binary_data_output", "priority", "timeout"];

/// Headers and body of a request that must be answered within `timeout`.
pub(super) fn encode(request: &InferenceRequest, timeout: Duration) -> Result<(HeaderMap, Bytes)> {
    let default = RequestContext::default();
    let context = request.context.as_deref().unwrap_or(&default);
    let others = context.parameters.iter();
    let wire = WireRequest {
        id: context.id.as_deref(),
        parameters: WireParameters {
            binary_data_output: true,
            priority: context.priority,
            // At least 1, because 0 means none.
            timeout: u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX).max(1),
            others: others
                .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
        },
        inputs: request
            .inputs
            .iter()
            .map(|(name, tensor)| WireInput {
                name,
                datatype: tensor.data_type().name(),
                shape: tensor.shape(),
                parameters: InputParameters { binary_data_size: binary::encoded_size(tensor) },
            })
            .collect(),
        outputs: context.requested_outputs.as_ref().map(|outputs| {
            let output =
                |name| WireOutput { name, parameters: OutputParameters { binary_data: true } };
            outputs.iter().map(|name| output(&**name)).collect()
        }),
    };
    let mut body = serde_json::to_vec(&wire).map_err(backend)?;
    let json_length = body.len();
    let tensors = request.inputs.iter().map(|(_, tensor)| binary::encoded_size(tensor));
    body.reserve_exact(tensors.sum());
    for (name, tensor) in &request.inputs {
        binary::encode(tensor, name, &mut body)?;
    }
    let mut map = HeaderMap::new();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    map.insert(headers::JSON_LENGTH, json_length.into());
    if let Some(parent) = &context.trace_parent
        && let Ok(parent) = HeaderValue::from_str(parent)
    {
        map.insert("traceparent", parent);
    }
    Ok((map, body.into()))
}

//! Inference, alone and in a stream.

use std::{sync::Arc, time::Instant};

use mlops_core::Result;
use tonic::metadata::MetadataMap;

use super::{
    decode::{Decoded, Memory, decode},
    encode::encode,
    gate::Gate,
    generated::{ModelInferRequest, ModelInferResponse},
    status::timeout,
};
use crate::{
    host::ServedModel,
    protocol::oip::{classification::classify, server::Server, shared_memory::write_outputs},
};

/// What the headers of a call say about each of its requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    deadline: Option<Instant>,
    trace_parent: Option<Arc<str>>,
}

impl Call {
    pub(super) fn new(metadata: &MetadataMap, arrived: Instant) -> Result<Self> {
        let deadline = timeout(metadata)?.and_then(|timeout| arrived.checked_add(timeout));
        let trace_parent = metadata.get("traceparent").and_then(|value| value.to_str().ok());
        Ok(Self { deadline, trace_parent: trace_parent.map(Arc::from) })
    }
}

/// Answers one request.
///
/// # Cancel safety
/// Dropping the future cancels the request.
pub(super) async fn infer(
    gate: &Gate,
    call: &Call,
    message: ModelInferRequest,
    arrived: Instant,
) -> Result<ModelInferResponse> {
    let server = &gate.server;
    let memory =
        Memory { shared: server.memory.as_deref(), max_tensor_bytes: gate.max_message_bytes };
    let model = find(server, &message)?;
    let descriptor = model.predict.descriptor();
    let decoded = decode(message, &descriptor.signature, memory).inspect_err(|error| {
        server.recorder.refused(Some(&descriptor.id), error);
    })?;
    let Decoded { mut request, id, classes, mut slots, timeout, wants_final } = decoded;
    // The sooner of the two.
    let asked = timeout.and_then(|timeout| arrived.checked_add(timeout));
    request.deadline = [call.deadline, asked].into_iter().flatten().min();
    if call.trace_parent.is_some() {
        let context = request.context.get_or_insert_default();
        Arc::make_mut(context).trace_parent = call.trace_parent.clone();
    }
    let mut response = model.predict.predict(request).await?;
    response.outputs = classify(response.outputs, &classes, descriptor)?;
    write_outputs(server.memory.as_deref(), &response.outputs, &mut slots)?;
    encode(&response, id, &slots, wants_final.then_some(true))
}

fn find(server: &Server, message: &ModelInferRequest) -> Result<Arc<ServedModel>> {
    let found = server.find(&message.model_name, named(&message.model_version));
    found.inspect_err(|error| {
        // Not the client's word for it: labels must not be theirs to make up.
        server.recorder.refused(None, error);
    })
}

/// A version or name, if there is one: in messages, what is not there is empty.
pub(super) fn named(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

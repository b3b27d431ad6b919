//! A response as a message.

use std::collections::HashMap;

use bytes::Bytes;
use mlops_core::{Result, inference::InferenceResponse, tensor::Tensor};

use super::generated::{
    InferParameter, ModelInferResponse, infer_parameter::ParameterChoice,
    model_infer_response::InferOutputTensor,
};
use crate::protocol::oip::{
    binary,
    shared_memory::{Slot, Slots},
};

/// The message. Outputs are always raw: the stock client reads no typed numbers.
pub(super) fn encode(
    response: &InferenceResponse,
    id: String,
    slots: &Slots,
    is_final: Option<bool>,
) -> Result<ModelInferResponse> {
    let mut parameters = HashMap::new();
    let mut insert = |key: &str, choice| {
        parameters.insert(key.to_owned(), InferParameter { parameter_choice: Some(choice) });
    };
    if let Some(variant) = &response.variant {
        insert("variant", ParameterChoice::StringParam(variant.to_string()));
    }
    if let Some(is_final) = is_final {
        insert("triton_final_response", ParameterChoice::BoolParam(is_final));
    }
    let mut message = ModelInferResponse {
        model_name: response.served_by.name.to_string(),
        model_version: response.served_by.version.to_string(),
        id,
        parameters,
        ..ModelInferResponse::default()
    };
    // A part of a batch shares the buffer of all of it, which a client that reads slowly would keep.
    let is_part = response.timings.rows < response.timings.batch_rows;
    for (index, (name, tensor)) in response.outputs.iter().enumerate() {
        let slot = slots.get(index).and_then(Option::as_ref);
        let size = |size: &usize| i64::try_from(*size).unwrap_or(i64::MAX);
        message.outputs.push(InferOutputTensor {
            name: name.to_string(),
            datatype: tensor.data_type().name().to_owned(),
            shape: tensor.shape().iter().map(size).collect(),
            parameters: slot.map(parameters_of).unwrap_or_default(),
            ..InferOutputTensor::default()
        });
        // Clients count the places of all outputs.
        let bytes = if slot.is_some() { Bytes::new() } else { raw(name, tensor, is_part)? };
        message.raw_output_contents.push(bytes);
    }
    Ok(message)
}

fn parameters_of(slot: &Slot) -> HashMap<String, InferParameter> {
    let number =
        |number: u64| ParameterChoice::Int64Param(i64::try_from(number).unwrap_or(i64::MAX));
    [
        ("shared_memory_region", ParameterChoice::StringParam(slot.region.clone())),
        ("shared_memory_offset", number(slot.offset)),
        ("shared_memory_byte_size", number(slot.byte_size)),
    ]
    .map(|(key, choice)| (key.to_owned(), InferParameter { parameter_choice: Some(choice) }))
    .into()
}

/// The bytes; shared, unless they are to be a copy or look different on the wire.
fn raw(name: &str, tensor: &Tensor, copy: bool) -> Result<Bytes> {
    if let Some(bytes) = tensor.bytes() {
        return Ok(if copy { Bytes::copy_from_slice(bytes) } else { bytes.clone() });
    }
    let mut bytes = Vec::with_capacity(binary::encoded_size(tensor));
    binary::encode(tensor, name, &mut bytes)?;
    Ok(bytes.into())
}

//! A request from its message.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, Parameter},
    signature::ModelSignature,
    tensor::{NamedTensors, TensorName},
};

use super::{
    contents,
    generated::{
        InferParameter, ModelInferRequest,
        infer_parameter::ParameterChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
};
use crate::protocol::oip::{
    binary,
    classification::Classes,
    parameters::RequestParameters,
    request::{class_count, declared_input, inference_request, output_name, refuse_shared_memory},
};

const SHARED_MEMORY: &str = "shared_memory_region";
const CLASSIFICATION: &str = "classification";
/// In a stream: the client wants to be told which answer to a request is the last.
const WANTS_FINAL: &str = "triton_enable_empty_final_response";

/// A request, and what the client wants to know of the answer.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) request: InferenceRequest,
    /// Given back with the answer.
    pub(super) id: String,
    /// Which outputs are wanted as classes.
    pub(super) classes: Classes,
    /// How long the client waits.
    pub(super) timeout: Option<Duration>,
    /// Whether the answer says that it is the last.
    pub(super) wants_final: bool,
}

/// Reads a request for a model of this signature.
pub(super) fn decode(message: ModelInferRequest, signature: &ModelSignature) -> Result<Decoded> {
    let ModelInferRequest { id, parameters, inputs, outputs, raw_input_contents, .. } = message;
    let tensors = decode_inputs(inputs, raw_input_contents, signature)?;
    let mut wants_final = false;
    let mut known = RequestParameters::default();
    for (key, value) in parameters {
        let value = parameter(&key, value)?;
        match value {
            Parameter::Bool(wanted) if key == WANTS_FINAL => wants_final = wanted,
            // Outputs are always binary here.
            Parameter::Bool(_) if key == "binary_data_output" => {}
            value => known.insert(key, value)?,
        }
    }
    let (requested, classes) = decode_outputs(outputs, signature)?;
    let timeout = known.timeout;
    let name: Option<Arc<str>> = (!id.is_empty()).then(|| id.as_str().into());
    let request = inference_request(tensors, name.as_ref(), requested, known);
    Ok(Decoded { request, id, classes, timeout, wants_final })
}

fn decode_inputs(
    inputs: Vec<InferInputTensor>,
    raw: Vec<Bytes>,
    signature: &ModelSignature,
) -> Result<NamedTensors> {
    let is_raw = !raw.is_empty();
    let mut raw = raw.into_iter();
    let mut tensors = NamedTensors::new();
    for input in inputs {
        let (spec, data_type, shape) =
            declared_input(signature, &input.name, &input.datatype, &input.shape)?;
        let name = &spec.name;
        if input.parameters.contains_key(SHARED_MEMORY) {
            return Err(refuse_shared_memory(format_args!("input `{name}`")));
        }
        let invalid = |actual| {
            let expected = "either `contents` or `raw_input_contents`, the same for every input";
            Error::invalid_tensor(Arc::clone(name), expected, actual)
        };
        let tensor = match (input.contents, raw.next()) {
            (None, Some(bytes)) => binary::decode(name, data_type, &shape, bytes)?,
            (Some(contents), None) if !is_raw => {
                contents::decode(name, data_type, &shape, contents)?
            }
            // No elements are no message: an empty tensor has no contents.
            (None, None) if !is_raw && shape.contains(&0) => contents::decode(
                name,
                data_type,
                &shape,
                super::generated::InferTensorContents::default(),
            )?,
            (None, None) => return Err(invalid("neither")),
            (Some(_), _) => return Err(invalid("both")),
        };
        tensors.insert(Arc::clone(name), tensor)?;
    }
    match raw.len() {
        0 => Ok(tensors),
        left => {
            let reason = format!("{left} more than there are inputs");
            Err(Error::invalid("raw_input_contents", reason))
        }
    }
}

fn decode_outputs(
    outputs: Vec<InferRequestedOutputTensor>,
    signature: &ModelSignature,
) -> Result<(Option<Vec<TensorName>>, Classes)> {
    let mut names = Vec::with_capacity(outputs.len());
    let mut classes = Classes::new();
    for InferRequestedOutputTensor { name, parameters } in outputs {
        let parameters = plain(parameters)?;
        if parameters.contains_key(SHARED_MEMORY) {
            return Err(refuse_shared_memory(format_args!("output `{name}`")));
        }
        names.push(output_name(signature, &name));
        classes.push(parameters.get(CLASSIFICATION).map(class_count).transpose()?);
    }
    Ok(((!names.is_empty()).then_some(names), classes))
}

fn plain(parameters: HashMap<String, InferParameter>) -> Result<HashMap<String, Parameter>> {
    let plain = parameters.into_iter().map(|(key, value)| {
        let value = parameter(&key, value)?;
        Ok((key, value))
    });
    plain.collect()
}

fn parameter(key: &str, parameter: InferParameter) -> Result<Parameter> {
    match parameter.parameter_choice {
        Some(ParameterChoice::BoolParam(value)) => Ok(Parameter::Bool(value)),
        Some(ParameterChoice::Int64Param(value)) => Ok(Parameter::Integer(value)),
        Some(ParameterChoice::StringParam(value)) => Ok(Parameter::String(value)),
        Some(ParameterChoice::DoubleParam(value)) => Ok(Parameter::Float(value)),
        Some(ParameterChoice::Uint64Param(value)) => {
            i64::try_from(value).map(Parameter::Integer).map_err(|error| {
                Error::invalid("parameter", format_args!("`{key}`: {value}: {error}"))
            })
        }
        None => Err(Error::invalid("parameter", format_args!("`{key}` has no value"))),
    }
}

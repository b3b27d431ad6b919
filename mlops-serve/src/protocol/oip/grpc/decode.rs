//! A request from its message.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

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
    parameters::{RequestParameters, whole_number},
    request::{class_count, declared_input, inference_request, output_name},
    shared_memory::{SharedMemory, Slot, Slots, lent, read_input},
};

const REGION: &str = "shared_memory_region";
const OFFSET: &str = "shared_memory_offset";
const BYTE_SIZE: &str = "shared_memory_byte_size";
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
    /// Which outputs go into shared memory.
    pub(super) slots: Slots,
    /// How long the client waits.
    pub(super) timeout: Option<Duration>,
    /// Whether the answer says that it is the last.
    pub(super) wants_final: bool,
}

/// Where else tensors may lie, and how large one may be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory<'a> {
    pub(super) shared: Option<&'a SharedMemory>,
    pub(super) max_tensor_bytes: usize,
}

/// Reads a request for a model of this signature.
pub(super) fn decode(
    message: ModelInferRequest,
    signature: &ModelSignature,
    memory: Memory<'_>,
) -> Result<Decoded> {
    let ModelInferRequest { id, parameters, inputs, outputs, raw_input_contents, .. } = message;
    let tensors = decode_inputs(inputs, raw_input_contents, signature, memory)?;
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
    let (requested, classes, slots) = decode_outputs(outputs, signature, memory)?;
    let timeout = known.timeout;
    let name: Option<Arc<str>> = (!id.is_empty()).then(|| id.as_str().into());
    let request = inference_request(tensors, name.as_ref(), requested, known);
    Ok(Decoded { request, id, classes, slots, timeout, wants_final })
}

fn decode_inputs(
    inputs: Vec<InferInputTensor>,
    raw: Vec<Bytes>,
    signature: &ModelSignature,
    memory: Memory<'_>,
) -> Result<NamedTensors> {
    let is_raw = !raw.is_empty();
    let mut raw = raw.into_iter();
    let mut tensors = NamedTensors::new();
    for input in inputs {
        let (spec, data_type, shape) =
            declared_input(signature, &input.name, &input.datatype, &input.shape)?;
        let name = &spec.name;
        let parameters = plain(input.parameters)?;
        if let Some(slot) = slot(&parameters, memory, format_args!("input `{name}`"))? {
            // The raw contents are those of the other inputs.
            let spec = (&**name, data_type, &*shape);
            let tensor = read_input(memory.shared, &slot, spec, memory.max_tensor_bytes)?;
            tensors.insert(Arc::clone(name), tensor)?;
            continue;
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
    memory: Memory<'_>,
) -> Result<(Option<Vec<TensorName>>, Classes, Slots)> {
    let mut names = Vec::with_capacity(outputs.len());
    let (mut classes, mut slots) = (Classes::new(), Slots::new());
    for InferRequestedOutputTensor { name, parameters } in outputs {
        let parameters = plain(parameters)?;
        slots.push(slot(&parameters, memory, format_args!("output `{name}`"))?);
        names.push(output_name(signature, &name));
        classes.push(parameters.get(CLASSIFICATION).map(class_count).transpose()?);
    }
    Ok(((!names.is_empty()).then_some(names), classes, slots))
}

/// Where a tensor lies, if not in the message.
fn slot(
    parameters: &HashMap<String, Parameter>,
    memory: Memory<'_>,
    what: fmt::Arguments<'_>,
) -> Result<Option<Slot>> {
    if parameters.contains_key(REGION) {
        lent(memory.shared, what)?;
    }
    let number = |key: &'static str| {
        parameters.get(key).map(|value| whole_number::<u64>(key, value)).transpose()
    };
    match parameters.get(REGION) {
        None => Ok(None),
        Some(Parameter::String(region)) => {
            Slot::new(region.clone(), number(OFFSET)?, number(BYTE_SIZE)?).map(Some)
        }
        Some(other) => Err(Error::invalid(REGION, format_args!("{other:?} is not a name"))),
    }
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

//! A request from its bytes.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, ModelDescriptor, Parameter},
    signature::ModelSignature,
    tensor::{NamedTensors, Tensor, TensorName},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::{encode::OutputForm, raw};
use crate::protocol::oip::{
    binary,
    binary::BinaryPart,
    classification::Classes,
    json_data,
    parameters::RequestParameters,
    request::{class_count, declared_input, inference_request, output_name},
    shared_memory::{SharedMemory, Slot, Slots, lent, read_input},
};

/// A request, and what the client wants to know of the answer.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) request: InferenceRequest,
    /// Given back with the answer.
    pub(super) id: Option<Arc<str>>,
    /// How each output is sent.
    pub(super) form: OutputForm,
    /// Which outputs are wanted as classes.
    pub(super) classes: Classes,
    /// Which outputs go into shared memory.
    pub(super) slots: Slots,
    /// How long the client waits.
    pub(super) timeout: Option<Duration>,
}

#[derive(Deserialize)]
struct WireRequest<'a> {
    #[serde(default)]
    id: Option<Arc<str>>,
    #[serde(default)]
    parameters: WireParameters,
    #[serde(borrow)]
    inputs: SmallVec<[WireInput<'a>; 2]>,
    #[serde(borrow, default)]
    outputs: Option<Vec<WireOutput<'a>>>,
}

#[derive(Deserialize)]
struct WireInput<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    shape: SmallVec<[i64; 4]>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    #[serde(default)]
    parameters: InputParameters,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireOutput<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    parameters: OutputParameters,
}

/// Parameters of the request, and the one that only this transport has.
#[derive(Default)]
struct WireParameters {
    binary_data_output: bool,
    request: RequestParameters,
}

// By hand: `#[serde(flatten)]` would read every value twice.
impl<'de> Deserialize<'de> for WireParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParametersVisitor)
    }
}

struct ParametersVisitor;

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = WireParameters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireParameters, A::Error> {
        let mut parameters = WireParameters::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "binary_data_output" {
                parameters.binary_data_output = map.next_value()?;
            } else {
                let value: Parameter = map.next_value()?;
                parameters.request.insert(key, value).map_err(A::Error::custom)?;
            }
        }
        Ok(parameters)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputParameters {
    binary_data_size: Option<u64>,
    shared_memory_region: Option<String>,
    shared_memory_offset: Option<u64>,
    shared_memory_byte_size: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputParameters {
    binary_data: Option<bool>,
    classification: Option<Parameter>,
    shared_memory_region: Option<String>,
    shared_memory_offset: Option<u64>,
    shared_memory_byte_size: Option<u64>,
}

impl OutputParameters {
    /// Where the output of this name goes, if not into the answer.
    fn slot(&self, name: &str, limits: Limits<'_>) -> Result<Option<Slot>> {
        let Some(region) = &self.shared_memory_region else { return Ok(None) };
        lent(limits.memory, format_args!("output `{name}`"))?;
        Slot::new(region.clone(), self.shared_memory_offset, self.shared_memory_byte_size).map(Some)
    }
}

/// What a body may be, and where else tensors may lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) max_json_depth: usize,
    pub(super) max_tensor_bytes: usize,
    pub(super) memory: Option<&'a SharedMemory>,
}

/// Reads a request for a model: `json_length` bytes of JSON and binary data behind it; without a
/// length, all of it is JSON, and with a length of zero, all of it is the data of the only input.
pub(super) fn decode(
    body: Bytes,
    json_length: Option<usize>,
    limits: Limits<'_>,
    model: &ModelDescriptor,
) -> Result<Decoded> {
    if json_length == Some(0) {
        let inputs = raw::decode(body, model)?;
        return Ok(Decoded {
            request: InferenceRequest::new(inputs),
            id: None,
            form: OutputForm::all(true),
            classes: Classes::new(),
            slots: Slots::new(),
            timeout: None,
        });
    }
    let (json, mut binary) = BinaryPart::split(body, json_length)?;
    check_depth(&json, limits.max_json_depth)?;
    let wire: WireRequest<'_> = serde_json::from_slice(&json)
        .map_err(|error| Error::invalid("request body", format_args!("JSON: {error}")))?;
    let mut inputs = NamedTensors::new();
    for input in &wire.inputs {
        let (name, tensor) = decode_input(input, &model.signature, &mut binary, limits)?;
        inputs.insert(name, tensor)?;
    }
    binary.finish()?;

    let WireParameters { binary_data_output, request: parameters } = wire.parameters;
    let (mut form, mut requested) = (OutputForm::all(binary_data_output), None);
    let (mut classes, mut slots) = (Classes::new(), Slots::new());
    if let Some(outputs) = wire.outputs.filter(|outputs| !outputs.is_empty()) {
        let (mut names, mut binary) = (Vec::with_capacity(outputs.len()), SmallVec::new());
        for WireOutput { name, parameters } in outputs {
            names.push(output_name(&model.signature, &name));
            binary.push(parameters.binary_data.unwrap_or(binary_data_output));
            classes.push(parameters.classification.as_ref().map(class_count).transpose()?);
            slots.push(parameters.slot(&name, limits)?);
        }
        (form, requested) = (OutputForm::each(binary), Some(names));
    }
    let timeout = parameters.timeout;
    let request = inference_request(inputs, wire.id.as_ref(), requested, parameters);
    Ok(Decoded { request, id: wire.id, form, classes, slots, timeout })
}

/// Checks how deep arrays and objects are nested, before anything is parsed.
fn check_depth(json: &[u8], limit: usize) -> Result<()> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth > limit {
                    let reason = format!("JSON nested deeper than {limit}");
                    return Err(Error::invalid("request body", reason));
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn decode_input(
    input: &WireInput<'_>,
    signature: &ModelSignature,
    binary: &mut BinaryPart,
    limits: Limits<'_>,
) -> Result<(TensorName, Tensor)> {
    let (spec, data_type, shape) =
        declared_input(signature, &input.name, &input.datatype, &input.shape)?;
    let name = &spec.name;
    let parameters = &input.parameters;
    if parameters.shared_memory_region.is_some() {
        lent(limits.memory, format_args!("input `{name}`"))?;
    }
    let wrong = |actual| {
        let expected = "`data` or the parameter `binary_data_size`";
        Err(Error::invalid_tensor(Arc::clone(name), expected, actual))
    };
    let sources = (&parameters.shared_memory_region, parameters.binary_data_size, input.data);
    let tensor = match sources {
        (Some(region), None, None) => {
            let (offset, size) =
                (parameters.shared_memory_offset, parameters.shared_memory_byte_size);
            let slot = Slot::new(region.clone(), offset, size)?;
            let spec = (&**name, data_type, &*shape);
            read_input(limits.memory, &slot, spec, limits.max_tensor_bytes)?
        }
        (None, Some(size), None) => {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            binary::decode(name, data_type, &shape, binary.take(name, size)?)?
        }
        (None, None, Some(data)) => json_data::decode(name, data_type, &shape, data)?,
        (None, None, None) => return wrong("neither"),
        _ => return wrong("both"),
    };
    Ok((Arc::clone(name), tensor))
}

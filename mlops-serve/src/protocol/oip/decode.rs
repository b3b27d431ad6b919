//! A request from its bytes.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, Parameter, RequestContext},
    signature::ModelSignature,
    tensor::{DataType, NamedTensors, TensorName},
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::{binary, binary::BinaryPart, encode::OutputForm, json_data};

/// A request, and what the client wants to know of the answer.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) request: InferenceRequest,
    /// Given back with the answer.
    pub(super) id: Option<Arc<str>>,
    /// How each output is sent.
    pub(super) form: OutputForm,
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

/// Parameters of the request. Those the protocol reserves have a field; others go to the model.
#[derive(Default)]
struct WireParameters {
    binary_data_output: bool,
    priority: u32,
    /// Microseconds.
    timeout: u64,
    others: BTreeMap<String, Parameter>,
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
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut parameters = WireParameters::default();
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "binary_data_output" => parameters.binary_data_output = map.next_value()?,
                "priority" => parameters.priority = map.next_value()?,
                "timeout" => parameters.timeout = map.next_value()?,
                _ => drop(parameters.others.insert(key.into_owned(), map.next_value()?)),
            }
        }
        Ok(parameters)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputParameters {
    binary_data_size: Option<u64>,
    shared_memory_region: Option<Present>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputParameters {
    binary_data: Option<bool>,
    classification: Option<Present>,
    shared_memory_region: Option<Present>,
}

/// A value of any kind: only that it is there matters.
struct Present;

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Reads a request for a model of this signature.
pub(super) fn decode(
    body: Bytes,
    json_length: Option<usize>,
    max_json_depth: usize,
    signature: &ModelSignature,
) -> Result<Decoded> {
    let (json, mut binary) = BinaryPart::split(body, json_length)?;
    check_depth(&json, max_json_depth)?;
    let wire: WireRequest<'_> = serde_json::from_slice(&json)
        .map_err(|error| Error::invalid("request body", format_args!("JSON: {error}")))?;
    let mut inputs = NamedTensors::new();
    for input in &wire.inputs {
        let (name, tensor) = decode_input(input, signature, &mut binary)?;
        inputs.insert(name, tensor)?;
    }
    binary.finish()?;

    let WireParameters { binary_data_output, priority, timeout, others } = wire.parameters;
    let (requested, form) = match wire.outputs.filter(|outputs| !outputs.is_empty()) {
        None => (None, OutputForm::all(binary_data_output)),
        Some(outputs) => {
            let (names, form) = decode_outputs(&outputs, signature, binary_data_output)?;
            (Some(names), form)
        }
    };
    let mut request = InferenceRequest::new(inputs);
    if wire.id.is_some() || requested.is_some() || priority != 0 || !others.is_empty() {
        let mut context = RequestContext::default();
        context.id = wire.id.clone();
        context.priority = priority;
        context.requested_outputs = requested;
        context.parameters = others;
        request = request.with_context(context);
    }
    let timeout = (timeout > 0).then(|| Duration::from_micros(timeout));
    Ok(Decoded { request, id: wire.id, form, timeout })
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
) -> Result<(TensorName, mlops_core::tensor::Tensor)> {
    let Some(spec) = signature.input(&input.name) else {
        let names: Vec<_> = signature.inputs.iter().map(|spec| &*spec.name).collect();
        return Err(Error::invalid_tensor(
            &*input.name,
            format_args!("only {}", names.join(", ")),
            "an unknown name",
        ));
    };
    let name = &spec.name;
    let invalid = |expected: &dyn fmt::Display, actual: &dyn fmt::Display| {
        Error::invalid_tensor(Arc::clone(name), expected, actual)
    };
    if input.parameters.shared_memory_region.is_some() {
        return Err(Error::unsupported(
            "this server",
            format_args!("shared memory (input `{name}`)"),
        ));
    }
    let data_type: DataType = input.datatype.parse().map_err(|error: Error| {
        invalid(&spec.type_and_shape(), &format_args!("`{}` ({error})", input.datatype))
    })?;
    let shape = input
        .shape
        .iter()
        .map(|size| usize::try_from(*size))
        .collect::<Result<SmallVec<[usize; 4]>, _>>()
        .map_err(|error| {
            let shape = &input.shape[..];
            invalid(&spec.type_and_shape(), &format_args!("shape {shape:?} ({error})"))
        })?;
    // Before an element is read: a shape that is not the model's costs nothing.
    spec.check(data_type, &shape)?;
    let tensor = match (input.parameters.binary_data_size, input.data) {
        (Some(size), None) => {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            binary::decode(name, data_type, &shape, binary.take(name, size)?)?
        }
        (None, Some(data)) => json_data::decode(name, data_type, &shape, data)?,
        (None, None) => {
            return Err(invalid(&"`data` or the parameter `binary_data_size`", &"neither"));
        }
        (Some(_), Some(_)) => {
            return Err(invalid(&"`data` or the parameter `binary_data_size`", &"both"));
        }
    };
    Ok((Arc::clone(name), tensor))
}

fn decode_outputs(
    outputs: &[WireOutput<'_>],
    signature: &ModelSignature,
    binary_by_default: bool,
) -> Result<(Vec<TensorName>, OutputForm)> {
    let mut names = Vec::with_capacity(outputs.len());
    let mut binary = SmallVec::new();
    for WireOutput { name, parameters } in outputs {
        for (asked, feature) in [
            (parameters.classification.is_some(), "the classification extension"),
            (parameters.shared_memory_region.is_some(), "shared memory"),
        ] {
            if asked {
                let feature = format_args!("{feature} (output `{name}`)");
                return Err(Error::unsupported("this server", feature));
            }
        }
        // An unknown name is refused by the model, with the names it has.
        let name = signature
            .output(name)
            .map_or_else(|| TensorName::from(&**name), |spec| Arc::clone(&spec.name));
        names.push(name);
        binary.push(parameters.binary_data.unwrap_or(binary_by_default));
    }
    Ok((names, OutputForm::each(binary)))
}

//! An answer from its bytes.

use std::{borrow::Cow, sync::Arc};

use mlops_core::{
    Error, Result,
    signature::ModelSignature,
    tensor::{DataType, NamedTensors, Tensor, TensorName},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::client::Answer;
use crate::protocol::oip::{
    binary::{self, BinaryPart},
    headers, json_data,
};

#[derive(Deserialize)]
struct WireResponse<'a> {
    #[serde(borrow)]
    outputs: Vec<WireOutput<'a>>,
}

#[derive(Deserialize)]
struct WireOutput<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    shape: SmallVec<[i64; 4]>,
    #[serde(default)]
    parameters: OutputParameters,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputParameters {
    binary_data_size: Option<u64>,
}

/// The outputs that were requested, in that order, each as declared; binary ones are slices of the
/// body.
pub(super) fn decode(
    answer: Answer,
    signature: &ModelSignature,
    requested: Option<&[TensorName]>,
) -> Result<NamedTensors> {
    let json_length = answer
        .headers
        .get(headers::JSON_LENGTH)
        .map(|value| {
            let length = value.to_str().ok().and_then(|text| text.parse().ok());
            length.ok_or_else(|| Error::invalid(headers::JSON_LENGTH, "it is not a length"))
        })
        .transpose()?;
    let (json, mut binary) = BinaryPart::split(answer.body, json_length)?;
    let wire: WireResponse<'_> = serde_json::from_slice(&json)
        .map_err(|error| Error::invalid("response body", format_args!("JSON: {error}")))?;
    let mut outputs = NamedTensors::new();
    for output in &wire.outputs {
        let (name, tensor) = decode_output(output, signature, &mut binary)?;
        outputs.insert(name, tensor)?;
    }
    binary.finish()?;
    signature.validate_outputs(&outputs, requested)?;
    let mut ordered = NamedTensors::new();
    let mut add =
        |name: &TensorName| ordered.insert(Arc::clone(name), outputs.require(name)?.clone());
    match requested {
        None => signature.outputs.iter().try_for_each(|spec| add(&spec.name))?,
        Some(requested) => requested.iter().try_for_each(&mut add)?,
    }
    Ok(ordered)
}

fn decode_output(
    output: &WireOutput<'_>,
    signature: &ModelSignature,
    binary: &mut BinaryPart,
) -> Result<(TensorName, Tensor)> {
    let Some(spec) = signature.output(&output.name) else {
        return Err(Error::invalid_tensor(&*output.name, "an output", "an unknown name"));
    };
    let name = Arc::clone(&spec.name);
    let data_type: DataType = output.datatype.parse()?;
    let sizes = output.shape.iter().map(|size| usize::try_from(*size));
    let shape: SmallVec<[usize; 4]> = sizes.collect::<Result<_, _>>().map_err(|error| {
        Error::invalid_tensor(
            Arc::clone(&name),
            "sizes",
            format_args!("{:?}: {error}", output.shape),
        )
    })?;
    spec.check(data_type, &shape)?;
    let tensor = match (output.parameters.binary_data_size, output.data) {
        (Some(size), _) => {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            binary::decode(&name, data_type, &shape, binary.take(&name, size)?)?
        }
        (None, Some(data)) => json_data::decode(&name, data_type, &shape, data)?,
        (None, None) => return Err(Error::invalid_tensor(name, "data", "nothing")),
    };
    Ok((name, tensor))
}

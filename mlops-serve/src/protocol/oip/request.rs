//! A request in the terms of the model it is for.

use std::{fmt, sync::Arc};

use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, Parameter, RequestContext},
    signature::{ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, TensorName},
};
use smallvec::SmallVec;

use super::parameters::{RequestParameters, whole_number};

/// The sizes of a tensor's axes.
pub(super) type Shape = SmallVec<[usize; 4]>;

/// The declared input that the client means, and the shape it gives it: checked before an element is
/// read, so that a shape that is not the model's costs nothing.
pub(super) fn declared_input<'s>(
    signature: &'s ModelSignature,
    name: &str,
    datatype: &str,
    shape: &[i64],
) -> Result<(&'s TensorSpec, DataType, Shape)> {
    let Some(spec) = signature.input(name) else {
        let names: Vec<_> = signature.inputs.iter().map(|spec| &*spec.name).collect();
        let expected = format_args!("only {}", names.join(", "));
        return Err(Error::invalid_tensor(name, expected, "an unknown name"));
    };
    let invalid = |actual: &dyn fmt::Display| {
        Error::invalid_tensor(Arc::clone(&spec.name), spec.type_and_shape(), actual)
    };
    let data_type: DataType = datatype
        .parse()
        .map_err(|error: Error| invalid(&format_args!("`{datatype}` ({error})")))?;
    let sizes = shape.iter().map(|size| usize::try_from(*size)).collect::<Result<Shape, _>>();
    let sizes = sizes.map_err(|error| invalid(&format_args!("shape {shape:?} ({error})")))?;
    spec.check(data_type, &sizes)?;
    Ok((spec, data_type, sizes))
}

/// The name of a requested output. An unknown one is refused by the model, with the names it has.
pub(super) fn output_name(signature: &ModelSignature, name: &str) -> TensorName {
    signature.output(name).map_or_else(|| name.into(), |spec| Arc::clone(&spec.name))
}

/// How many classes a requested output is wanted as.
pub(super) fn class_count(value: &Parameter) -> Result<usize> {
    match whole_number("classification", value)? {
        0 => Err(Error::invalid("classification", "0 classes: ask for at least 1")),
        count => Ok(count),
    }
}

/// The call to the model.
pub(super) fn inference_request(
    inputs: NamedTensors,
    id: Option<&Arc<str>>,
    requested_outputs: Option<Vec<TensorName>>,
    parameters: RequestParameters,
) -> InferenceRequest {
    let RequestParameters { priority, others, .. } = parameters;
    let request = InferenceRequest::new(inputs);
    if id.is_none() && requested_outputs.is_none() && priority == 0 && others.is_empty() {
        return request;
    }
    let mut context = RequestContext::default();
    context.id = id.cloned();
    context.priority = priority;
    context.requested_outputs = requested_outputs;
    context.parameters = others;
    request.with_context(context)
}

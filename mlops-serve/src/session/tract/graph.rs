//! An ONNX file as `tract` reads it, before it plans.

use std::{collections::HashSet, sync::Arc};

use mlops_core::{
    Error, Result,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::DataType,
};
use tract_onnx::{
    Onnx,
    pb::{
        GraphProto, ModelProto, NodeProto, TensorShapeProto, ValueInfoProto,
        tensor_proto::{DataLocation, DataType as Element},
        tensor_shape_proto::{Dimension, dimension::Value as Size},
        type_proto,
    },
    prelude::{Framework, InferenceModel},
};

use super::{
    convert::datum_type,
    error::{BACKEND, guarded},
    factory::ExternalData,
    options::TractOptions,
};

/// Reads a model; `name` is what its errors call it.
pub(super) fn read(name: &str, model: &[u8]) -> Result<ModelProto> {
    if model.is_empty() {
        return Err(Error::corrupt("model", name, "no bytes"));
    }
    let proto = guarded(|| tract_onnx::onnx().proto_model_for_read(&mut &*model))
        .map_err(|error| Error::corrupt("model", name, error.report()))?;
    // Any field is optional on the wire: a text may be a message without one that is known.
    if proto.graph.as_ref().is_none_or(|graph| graph.output.is_empty()) {
        return Err(Error::corrupt("model", name, "it has no graph with outputs"));
    }
    Ok(proto)
}

/// The model's graph. [`read`] has seen to it that there is one.
fn graph(proto: &mut ModelProto) -> &mut GraphProto {
    proto.graph.get_or_insert_default()
}

/// Fixes the sizes of the symbolic dimensions that `options` names.
pub(super) fn override_dimensions(proto: &mut ModelProto, options: &TractOptions) {
    let GraphProto { input, output, value_info, .. } = graph(proto);
    for info in input.iter_mut().chain(output).chain(value_info) {
        let Some(shape) = tensor_type(info).and_then(|tensor| tensor.shape.as_mut()) else {
            continue;
        };
        for dimension in &mut shape.dim {
            let Some(Size::DimParam(symbol)) = &dimension.value else { continue };
            if let Some(size) = options.dimension_overrides.get(symbol) {
                let size = i64::try_from(*size).unwrap_or(i64::MAX);
                dimension.value = Some(Size::DimValue(size));
            }
        }
    }
}

/// Puts weights that are in these files into the model.
pub(super) fn embed(
    name: &str,
    proto: &mut ModelProto,
    external_data: &[ExternalData],
) -> Result<()> {
    for tensor in &mut graph(proto).initializer {
        if tensor.data_location != Some(DataLocation::External as i32) {
            continue;
        }
        let entry = |key: &str| {
            tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &*entry.value)
        };
        let corrupt = |reason: &str| {
            Error::corrupt(
                "model",
                name,
                format_args!("external data of `{}`: {reason}", tensor.name),
            )
        };
        let number = |key: &str| {
            let parse = |text: &str| text.parse::<usize>();
            entry(key).map(parse).transpose().map_err(|error| corrupt(&format!("{key}: {error}")))
        };
        let location = entry("location").ok_or_else(|| corrupt("no location"))?;
        let Some((_, content)) =
            external_data.iter().find(|(path, _)| path.as_os_str() == location)
        else {
            return Err(Error::not_found("external data", format_args!("{location} of {name}")));
        };
        let start = number("offset")?.unwrap_or(0);
        let end = match number("length")? {
            Some(length) => start.checked_add(length),
            None => Some(content.len()),
        };
        let bytes = end.and_then(|end| content.get(start..end));
        tensor.raw_data = bytes.ok_or_else(|| corrupt("beyond the end of its file"))?.to_vec();
        tensor.data_location = None;
    }
    Ok(())
}

/// What the model declares, in our words: names of tensors and of symbols as in the file.
pub(super) fn signature(proto: &mut ModelProto) -> Result<ModelSignature> {
    let GraphProto { input, output, initializer, .. } = graph(proto);
    // In old files, weights are inputs too.
    let weights: HashSet<&str> = initializer.iter().map(|tensor| &*tensor.name).collect();
    let mut inputs = input.iter_mut().filter(|info| !weights.contains(&*info.name));
    let signature = ModelSignature {
        inputs: inputs.by_ref().map(spec).collect::<Result<_>>()?,
        outputs: output.iter_mut().map(spec).collect::<Result<_>>()?,
    };
    signature.check()?;
    Ok(signature)
}

fn tensor_type(info: &mut ValueInfoProto) -> Option<&mut type_proto::Tensor> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_mut()?.value.as_mut()?;
    Some(tensor)
}

fn spec(info: &mut ValueInfoProto) -> Result<TensorSpec> {
    let name: Arc<str> = info.name.as_str().into();
    let unsupported = |what: &dyn std::fmt::Display| {
        Error::unsupported(BACKEND, format_args!("tensor `{name}` {what}"))
    };
    let Some(tensor) = tensor_type(info) else {
        return Err(unsupported(&"that is not a tensor, but a sequence, map or optional"));
    };
    let element = Element::try_from(tensor.elem_type).unwrap_or(Element::Undefined);
    let data_type = data_type(element).filter(|data_type| datum_type(*data_type).is_some());
    let Some(data_type) = data_type else {
        return Err(unsupported(&format_args!("of type {element:?}")));
    };
    let Some(TensorShapeProto { dim }) = &tensor.shape else {
        return Err(unsupported(&"without a shape: declare its rank in the model"));
    };
    Ok(TensorSpec::new(Arc::clone(&name), data_type, dim.iter().map(to_dim)))
}

fn to_dim(dimension: &Dimension) -> Dim {
    match &dimension.value {
        Some(Size::DimValue(size)) => usize::try_from(*size).map_or(Dim::Unknown, Dim::Fixed),
        Some(Size::DimParam(symbol)) if !symbol.is_empty() => Dim::Symbolic(symbol.as_str().into()),
        Some(Size::DimParam(_)) | None => Dim::Unknown,
    }
}

/// Our word for ONNX's element type; `None` for what the protocol cannot say.
fn data_type(element: Element) -> Option<DataType> {
    Some(match element {
        Element::Bool => DataType::Bool,
        Element::Uint8 => DataType::U8,
        Element::Uint16 => DataType::U16,
        Element::Uint32 => DataType::U32,
        Element::Uint64 => DataType::U64,
        Element::Int8 => DataType::I8,
        Element::Int16 => DataType::I16,
        Element::Int32 => DataType::I32,
        Element::Int64 => DataType::I64,
        Element::Float16 => DataType::F16,
        Element::Bfloat16 => DataType::Bf16,
        Element::Float => DataType::F32,
        Element::Double => DataType::F64,
        Element::String => DataType::Bytes,
        _ => return None,
    })
}

/// Refuses operators that `tract` does not have, by name, and those of other domains, which it would
/// take for ONNX's own of the same name.
pub(super) fn check_operators(framework: &Onnx, proto: &mut ModelProto) -> Result<()> {
    check_nodes(framework, &graph(proto).node)
}

fn check_nodes(framework: &Onnx, nodes: &[NodeProto]) -> Result<()> {
    for node in nodes {
        let known = framework.op_register.0.contains_key(&node.op_type);
        if !known || !matches!(&*node.domain, "" | "ai.onnx" | "ai.onnx.ml") {
            let (domain, dot) = (&node.domain, if node.domain.is_empty() { "" } else { "." });
            let operator = format!("the operator {domain}{dot}{}", node.op_type);
            return Err(Error::unsupported(BACKEND, format_args!("{operator} of `{}`", node.name)));
        }
        for attribute in &node.attribute {
            for body in attribute.g.iter().chain(&attribute.graphs) {
                check_nodes(framework, &body.node)?;
            }
        }
    }
    Ok(())
}

/// The model, not yet planned. External data is looked for in `directory`.
pub(super) fn parse(
    framework: &Onnx,
    proto: &ModelProto,
    directory: Option<&str>,
) -> Result<InferenceModel> {
    let parsed = guarded(|| framework.parse(proto, directory))?;
    if let Some(missing) = parsed.unresolved_inputs.first() {
        return Err(Error::corrupt("model", missing, "a value that no node of the graph gives"));
    }
    Ok(parsed.model)
}

//! A raw request: no JSON, only the bytes of the model's only input.

use std::sync::Arc;

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    inference::ModelDescriptor,
    signature::{Dim, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
};

use crate::protocol::oip::{binary, request::Shape};

/// The input, with the shape that its bytes allow. The texts of the errors are Triton's.
pub(super) fn decode(body: Bytes, model: &ModelDescriptor) -> Result<NamedTensors> {
    let [spec] = &model.signature.inputs[..] else {
        let count = model.signature.inputs.len();
        let reason = format!(
            "Raw request must only have 1 input (found 1) to be deduced but got {count} inputs in \
             '{}' model configuration",
            model.id.name
        );
        return Err(invalid(reason));
    };
    let name = &spec.name;
    let mut shape = Shape::new();
    let mut declared = &spec.shape[..];
    if model.max_batch_size.is_some() {
        shape.push(1);
        declared = declared.get(1..).unwrap_or_default();
    }
    let tensor = if spec.data_type == DataType::Bytes {
        if declared != [Dim::Fixed(1)] {
            return Err(invalid(format!(
                "For BYTE datatype raw input '{name}', the model must have input shape [1]"
            )));
        }
        shape.push(1);
        Tensor::from_strings(&shape, vec![body])?
    } else {
        deduce(spec, declared, body.len(), &mut shape)?;
        binary::decode(name, spec.data_type, &shape, body)?
    };
    Ok(NamedTensors::single(Arc::clone(name), tensor))
}

/// Appends the declared sizes; the one that varies is what `bytes` leave for it.
fn deduce(spec: &TensorSpec, declared: &[Dim], bytes: usize, shape: &mut Shape) -> Result<()> {
    let name = &spec.name;
    let fixed = |dim: &Dim| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Symbolic(_) | Dim::Unknown => None,
    };
    if declared.iter().filter(|dim| !dim.is_fixed()).count() > 1 {
        return Err(invalid(format!(
            "The shape of the raw input '{name}' can not be deduced because there are more than one \
             variable-sized dimension"
        )));
    }
    let element = spec.data_type.size_bytes().unwrap_or(1);
    let row = declared
        .iter()
        .filter_map(fixed)
        .try_fold(element, usize::checked_mul)
        .filter(|row| *row > 0 && bytes.is_multiple_of(*row));
    let Some(row) = row else {
        let expected = format_args!("whole elements of {}", spec.type_and_shape());
        return Err(Error::invalid_tensor(
            Arc::clone(name),
            expected,
            format_args!("{bytes} bytes"),
        ));
    };
    shape.extend(declared.iter().map(|dim| fixed(dim).unwrap_or(bytes / row)));
    Ok(())
}

fn invalid(reason: String) -> Error {
    Error::invalid("raw request", reason)
}

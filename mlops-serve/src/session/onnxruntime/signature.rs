//! What a loaded model declares, in our words.

use mlops_core::{
    Error, Result,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::DataType,
};
use ort::value::{Outlet, TensorElementType, ValueType};

/// The signature of a model with these inputs and outputs.
pub(super) fn signature(inputs: &[Outlet], outputs: &[Outlet]) -> Result<ModelSignature> {
    let specs = |outlets: &[Outlet]| outlets.iter().map(tensor_spec).collect::<Result<Vec<_>>>();
    let signature = ModelSignature { inputs: specs(inputs)?, outputs: specs(outputs)? };
    signature.check()?;
    Ok(signature)
}

fn tensor_spec(outlet: &Outlet) -> Result<TensorSpec> {
    let unsupported = |what: &dyn std::fmt::Display| {
        Error::unsupported("onnxruntime", format_args!("tensor `{}` of type {what}", outlet.name()))
    };
    let ValueType::Tensor { ty, shape, dimension_symbols } = outlet.dtype() else {
        return Err(unsupported(outlet.dtype()));
    };
    let data_type = data_type(*ty).ok_or_else(|| unsupported(ty))?;
    let dims = shape.iter().zip(dimension_symbols.iter()).map(|(size, symbol)| {
        // Free dimensions are negative. Those without a name have the symbol "", which says nothing
        // about their being equal.
        match usize::try_from(*size) {
            Ok(size) => Dim::Fixed(size),
            Err(_) if symbol.is_empty() => Dim::Unknown,
            Err(_) => Dim::Symbolic(symbol.as_str().into()),
        }
    });
    Ok(TensorSpec::new(outlet.name(), data_type, dims))
}

/// Our word for ONNX Runtime's element type; `None` for what the protocol cannot say.
pub(super) fn data_type(element: TensorElementType) -> Option<DataType> {
    Some(match element {
        TensorElementType::Bool => DataType::Bool,
        TensorElementType::Uint8 => DataType::U8,
        TensorElementType::Uint16 => DataType::U16,
        TensorElementType::Uint32 => DataType::U32,
        TensorElementType::Uint64 => DataType::U64,
        TensorElementType::Int8 => DataType::I8,
        TensorElementType::Int16 => DataType::I16,
        TensorElementType::Int32 => DataType::I32,
        TensorElementType::Int64 => DataType::I64,
        TensorElementType::Float16 => DataType::F16,
        TensorElementType::Bfloat16 => DataType::Bf16,
        TensorElementType::Float32 => DataType::F32,
        TensorElementType::Float64 => DataType::F64,
        TensorElementType::String => DataType::Bytes,
        _ => return None,
    })
}

//! Tensors to ONNX Runtime values and back, without copying dense elements.

use std::fmt::Debug;

use bytes::Bytes;
use half::{bf16, f16};
use mlops_core::{
    Error, Result,
    tensor::{DataType, Element, Tensor},
};
use ort::{
    session::SessionInputValue,
    value::{DynValue, PrimitiveTensorElementType, TensorRef},
};
use smallvec::SmallVec;

use super::{error::run_error, signature::data_type, strings};

/// A value that borrows the tensor's bytes, which must be aligned for their type.
pub(super) fn to_value(tensor: &Tensor) -> Result<SessionInputValue<'_>> {
    fn dense<'a, T>(tensor: &'a Tensor) -> Result<SessionInputValue<'a>>
    where
        T: Element + PrimitiveTensorElementType + Debug,
    {
        let value = TensorRef::from_array_view((tensor.shape(), tensor.as_slice::<T>()?));
        Ok(value.map_err(run_error)?.into())
    }
    match tensor.data_type() {
        DataType::Bool => dense::<bool>(tensor),
        DataType::U8 => dense::<u8>(tensor),
        DataType::U16 => dense::<u16>(tensor),
        DataType::U32 => dense::<u32>(tensor),
        DataType::U64 => dense::<u64>(tensor),
        DataType::I8 => dense::<i8>(tensor),
        DataType::I16 => dense::<i16>(tensor),
        DataType::I32 => dense::<i32>(tensor),
        DataType::I64 => dense::<i64>(tensor),
        DataType::F16 => dense::<f16>(tensor),
        DataType::Bf16 => dense::<bf16>(tensor),
        DataType::F32 => dense::<f32>(tensor),
        DataType::F64 => dense::<f64>(tensor),
        DataType::Bytes => strings::to_value(tensor).map(Into::into),
    }
}

/// A tensor that owns the value and shows its elements.
pub(super) fn to_tensor(value: DynValue) -> Result<Tensor> {
    fn dense<T>(value: DynValue, shape: &[usize]) -> Result<Tensor>
    where
        T: Element + PrimitiveTensorElementType,
    {
        let output = Output::<T> { value, element: std::marker::PhantomData };
        Tensor::from_bytes(T::DATA_TYPE, shape, Bytes::from_owner(output))
    }
    let dtype = value.dtype();
    let (Some(shape), Some(element)) = (dtype.tensor_shape(), dtype.tensor_type()) else {
        return Err(Error::unsupported("onnxruntime", format_args!("an output of type {dtype}")));
    };
    let Some(data_type) = data_type(element) else {
        return Err(Error::unsupported("onnxruntime", format_args!("an output of {element}")));
    };
    let shape = shape
        .iter()
        .map(|size| {
            usize::try_from(*size)
                .map_err(|error| Error::invalid("model output", format!("size {size}: {error}")))
        })
        .collect::<Result<SmallVec<[usize; 4]>>>()?;
    match data_type {
        DataType::Bool => dense::<bool>(value, &shape),
        DataType::U8 => dense::<u8>(value, &shape),
        DataType::U16 => dense::<u16>(value, &shape),
        DataType::U32 => dense::<u32>(value, &shape),
        DataType::U64 => dense::<u64>(value, &shape),
        DataType::I8 => dense::<i8>(value, &shape),
        DataType::I16 => dense::<i16>(value, &shape),
        DataType::I32 => dense::<i32>(value, &shape),
        DataType::I64 => dense::<i64>(value, &shape),
        DataType::F16 => dense::<f16>(value, &shape),
        DataType::Bf16 => dense::<bf16>(value, &shape),
        DataType::F32 => dense::<f32>(value, &shape),
        DataType::F64 => dense::<f64>(value, &shape),
        DataType::Bytes => strings::to_tensor(&value, &shape),
    }
}

/// Keeps an output alive for as long as its bytes are looked at, beyond the session if need be.
struct Output<T> {
    value: DynValue,
    element: std::marker::PhantomData<T>,
}

impl<T: Element + PrimitiveTensorElementType> AsRef<[u8]> for Output<T> {
    fn as_ref(&self) -> &[u8] {
        match self.value.try_extract_tensor::<T>() {
            Ok((_, elements)) => T::as_bytes(elements),
            // The type was looked at before; what is left is a value on a device, which this module
            // never asks for. The tensor made of these bytes would be refused for their length.
            Err(_) => &[],
        }
    }
}

//! Tensors to `tract` and back. Inputs are copied once, because `tract` reads only memory that it
//! has allocated; outputs are not copied.

use std::sync::Arc;

use bytes::Bytes;
use half::f16;
use mlops_core::{
    Error, Result,
    signature::TensorSpec,
    tensor::{DataType, Element, Tensor},
};
use tract_onnx::prelude::{
    Datum, DatumType, IntoArcTensor, IntoTValue, IntoTensor, TValue, Tensor as TractTensor,
    TractError, TractResult,
};

use super::error::{BACKEND, guarded};

/// `tract`'s word for a type; `None` for those it does not compute with.
pub(super) fn datum_type(data_type: DataType) -> Option<DatumType> {
    Some(match data_type {
        DataType::Bool => DatumType::Bool,
        DataType::U8 => DatumType::U8,
        DataType::U16 => DatumType::U16,
        DataType::U32 => DatumType::U32,
        DataType::U64 => DatumType::U64,
        DataType::I8 => DatumType::I8,
        DataType::I16 => DatumType::I16,
        DataType::I32 => DatumType::I32,
        DataType::I64 => DatumType::I64,
        DataType::F16 => DatumType::F16,
        DataType::F32 => DatumType::F32,
        DataType::F64 => DatumType::F64,
        DataType::Bf16 | DataType::Bytes => return None,
    })
}

/// A copy of the tensor, as an input.
pub(super) fn to_value(tensor: &Tensor) -> Result<TValue> {
    fn dense<T: Element + Datum>(tensor: &Tensor) -> Result<TValue> {
        let aligned = tensor.clone().into_aligned();
        let elements = aligned.as_slice::<T>()?;
        guarded(|| Ok(TractTensor::from_shape(aligned.shape(), elements)?.into_tvalue()))
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
        DataType::F32 => dense::<f32>(tensor),
        DataType::F64 => dense::<f64>(tensor),
        data_type @ (DataType::Bf16 | DataType::Bytes) => {
            Err(Error::unsupported(BACKEND, format_args!("{data_type} tensors")))
        }
    }
}

/// An output as declared, over `tract`'s own memory.
pub(super) fn to_tensor(value: TValue, spec: &TensorSpec) -> Result<Tensor> {
    let output = guarded(|| Output::new(value, spec.data_type))?;
    let shape = output.0.shape().to_vec();
    let Some(data_type) = DataType::ALL
        .into_iter()
        .find(|data_type| datum_type(*data_type) == Some(output.0.datum_type()))
    else {
        return Err(Error::invalid_tensor(
            Arc::clone(&spec.name),
            spec.type_and_shape(),
            format_args!("{:?}{shape:?}", output.0.datum_type()),
        ));
    };
    spec.check(data_type, &shape)?;
    Tensor::from_bytes(data_type, &shape, Bytes::from_owner(output))
}

/// Keeps an output alive for as long as its bytes are looked at.
struct Output(Arc<TractTensor>);

impl Output {
    fn new(value: TValue, declared: DataType) -> TractResult<Self> {
        let tensor = value.into_arc_tensor();
        // What is computed from shapes has a type of its own, which may hold symbols. A run's are
        // all known.
        let tensor = match datum_type(declared) {
            Some(declared) if tensor.datum_type() == DatumType::TDim => {
                tensor.cast_to_dt(declared)?.into_owned().into_arc_tensor()
            }
            _ => tensor,
        };
        // Packed elements have no bytes in C order to show.
        let tensor = if tensor.has_plain_ram_storage() {
            tensor
        } else {
            tensor.into_tensor().into_plain_ram()?.into_arc_tensor()
        };
        if is_c_order(tensor.shape(), tensor.strides()) {
            return Ok(Self(tensor));
        }
        Err(TractError::msg(format!("an output has strides {:?}", tensor.strides())))
    }
}

fn is_c_order(shape: &[usize], strides: &[isize]) -> bool {
    let mut expected = 1;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().all(|(size, stride)| {
            let fits = *size == 1 || *stride == expected;
            expected *= *size as isize;
            fits
        })
}

impl AsRef<[u8]> for Output {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

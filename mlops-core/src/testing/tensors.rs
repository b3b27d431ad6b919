//! Tensors to test with.

use std::sync::Arc;

use bytes::Bytes;
use half::{bf16, f16};

use crate::{
    Result,
    random::RandomKey,
    signature::{Dim, ModelSignature},
    tensor::{DataType, Element, NamedTensors, Tensor},
};

/// Random inputs of a signature: `rows` along every free axis 0, 2 along other free axes.
///
/// Numbers are small and exact in every type; `seed` chooses them.
///
/// # Errors
/// None for a signature that passes [`ModelSignature::check`].
pub fn sample_inputs(signature: &ModelSignature, rows: usize, seed: u64) -> Result<NamedTensors> {
    let mut inputs = NamedTensors::new();
    for (index, spec) in signature.inputs.iter().enumerate() {
        let free = |axis| if axis == 0 { rows } else { 2 };
        let shape: Vec<usize> = spec
            .shape
            .iter()
            .enumerate()
            .map(|(axis, dim)| if let Dim::Fixed(size) = dim { *size } else { free(axis) })
            .collect();
        let count = shape.iter().product();
        let mut random = RandomKey::from_seed(seed).stream(index as u64);
        let digits: Vec<u8> = (0..count).map(|_| random.next_below(8) as u8).collect();
        let tensor = if spec.data_type == DataType::Bytes {
            let strings = digits.iter().map(|digit| Bytes::from(vec![b'a' + digit, 0])).collect();
            Tensor::from_strings(&shape, strings)?
        } else {
            Tensor::from_bytes(spec.data_type, &shape, encode(spec.data_type, &digits))?
        };
        inputs.insert(Arc::clone(&spec.name), tensor.into_aligned())?;
    }
    Ok(inputs)
}

fn encode(data_type: DataType, digits: &[u8]) -> Bytes {
    fn of<T: Element>(digits: &[u8], convert: impl Fn(u8) -> T) -> Bytes {
        let elements: Vec<T> = digits.iter().map(|digit| convert(*digit)).collect();
        Bytes::copy_from_slice(T::as_bytes(&elements))
    }
    match data_type {
        DataType::Bool => of(digits, |digit| digit % 2 == 1),
        DataType::U8 => of(digits, |digit| digit),
        DataType::U16 => of(digits, u16::from),
        DataType::U32 => of(digits, u32::from),
        DataType::U64 => of(digits, u64::from),
        DataType::I8 => of(digits, |digit| digit as i8 - 4),
        DataType::I16 => of(digits, |digit| i16::from(digit) - 4),
        DataType::I32 => of(digits, |digit| i32::from(digit) - 4),
        DataType::I64 => of(digits, |digit| i64::from(digit) - 4),
        DataType::F16 => of(digits, |digit| f16::from_f32(f32::from(digit) * 0.25 - 1.0)),
        DataType::Bf16 => of(digits, |digit| bf16::from_f32(f32::from(digit) * 0.25 - 1.0)),
        DataType::F32 => of(digits, |digit| f32::from(digit) * 0.25 - 1.0),
        DataType::F64 => of(digits, |digit| f64::from(digit) * 0.25 - 1.0),
        DataType::Bytes => Bytes::new(),
    }
}

/// True if both have the same names, types and shapes, and equal elements: floating point within
/// `tolerance` (absolute, plus the same relative), NaN equal to NaN, everything else exactly.
#[must_use]
pub fn approx_eq(left: &NamedTensors, right: &NamedTensors, tolerance: f64) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|((left_name, left), (right_name, right))| {
            left_name == right_name && tensor_approx_eq(left, right, tolerance)
        })
}

fn tensor_approx_eq(left: &Tensor, right: &Tensor, tolerance: f64) -> bool {
    if left.data_type() != right.data_type() || left.shape() != right.shape() {
        return false;
    }
    let (Some(left_values), Some(right_values)) = (floats(left), floats(right)) else {
        return left == right;
    };
    left_values.iter().zip(&right_values).all(|(left, right)| {
        left == right
            || (left.is_nan() && right.is_nan())
            || (left - right).abs() <= tolerance * (1.0 + left.abs().max(right.abs()))
    })
}

/// The elements of a floating-point tensor as `f64`; `None` for other types.
fn floats(tensor: &Tensor) -> Option<Vec<f64>> {
    fn of<T: Element>(tensor: &Tensor, convert: impl Fn(T) -> f64) -> Option<Vec<f64>> {
        let aligned = tensor.clone().into_aligned();
        Some(aligned.as_slice::<T>().ok()?.iter().map(|value| convert(*value)).collect())
    }
    match tensor.data_type() {
        DataType::F16 => of(tensor, f16::to_f64),
        DataType::Bf16 => of(tensor, bf16::to_f64),
        DataType::F32 => of(tensor, |value: f32| f64::from(value)),
        DataType::F64 => of(tensor, |value: f64| value),
        _ => None,
    }
}

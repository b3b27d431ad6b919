//! [`each_number`]: the elements of a tensor, whatever their type.

use mlops_core::{
    half::{bf16, f16},
    tensor::{DataType, Element, Tensor},
};

/// Shows each element as a number, in order; `None` of strings. Bytes at an odd address are copied first.
pub(super) fn each_number(tensor: &Tensor, take: &mut dyn FnMut(f64)) -> Option<()> {
    if !tensor.is_aligned() {
        return each_number(&tensor.clone().into_aligned(), take);
    }
    match tensor.data_type() {
        DataType::F32 => of::<f32>(tensor, |element| take(element.into())),
        DataType::F64 => of::<f64>(tensor, take),
        DataType::F16 => of::<f16>(tensor, |element| take(element.to_f64())),
        DataType::Bf16 => of::<bf16>(tensor, |element| take(element.to_f64())),
        DataType::Bool => of::<bool>(tensor, |element| take(f64::from(element))),
        DataType::U8 => of::<u8>(tensor, |element| take(element.into())),
        DataType::U16 => of::<u16>(tensor, |element| take(element.into())),
        DataType::U32 => of::<u32>(tensor, |element| take(element.into())),
        DataType::U64 => of::<u64>(tensor, |element| take(element as f64)),
        DataType::I8 => of::<i8>(tensor, |element| take(element.into())),
        DataType::I16 => of::<i16>(tensor, |element| take(element.into())),
        DataType::I32 => of::<i32>(tensor, |element| take(element.into())),
        DataType::I64 => of::<i64>(tensor, |element| take(element as f64)),
        DataType::Bytes => None,
    }
}

fn of<T: Element>(tensor: &Tensor, take: impl FnMut(T)) -> Option<()> {
    tensor.as_slice::<T>().ok()?.iter().copied().for_each(take);
    Some(())
}

//! The elements of tensors, read out of their bytes: what came over a wire may lie at any address.

use mlops_core::{
    half::{bf16, f16},
    tensor::{DataType, Tensor},
};

/// Shows each element as a number, in order; `None` of strings.
pub(crate) fn each_number(tensor: &Tensor, take: &mut dyn FnMut(f64)) -> Option<()> {
    let bytes = tensor.bytes()?;
    match tensor.data_type() {
        DataType::Bool => each::<bool, 1>(bytes, take),
        DataType::U8 => each::<u8, 1>(bytes, take),
        DataType::U16 => each::<u16, 2>(bytes, take),
        DataType::U32 => each::<u32, 4>(bytes, take),
        DataType::U64 => each::<u64, 8>(bytes, take),
        DataType::I8 => each::<i8, 1>(bytes, take),
        DataType::I16 => each::<i16, 2>(bytes, take),
        DataType::I32 => each::<i32, 4>(bytes, take),
        DataType::I64 => each::<i64, 8>(bytes, take),
        DataType::F16 => each::<f16, 2>(bytes, take),
        DataType::Bf16 => each::<bf16, 2>(bytes, take),
        DataType::F32 => each::<f32, 4>(bytes, take),
        DataType::F64 => each::<f64, 8>(bytes, take),
        DataType::Bytes => return None,
    }
    Some(())
}

fn each<T: Number<SIZE>, const SIZE: usize>(bytes: &[u8], take: &mut dyn FnMut(f64)) {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    elements.iter().for_each(|bytes| take(T::number(*bytes)));
}

/// An element of a tensor, read from its bytes.
pub(crate) trait Number<const SIZE: usize> {
    fn number(bytes: [u8; SIZE]) -> f64;

    /// Shows the element as a category.
    fn category(bytes: [u8; SIZE], show: impl FnOnce(&str));
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Number<{ size_of::<$type>() }> for $type {
            fn number(bytes: [u8; size_of::<$type>()]) -> f64 {
                Self::from_le_bytes(bytes) as f64
            }

            fn category(bytes: [u8; size_of::<$type>()], show: impl FnOnce(&str)) {
                let value = i128::from(Self::from_le_bytes(bytes));
                digits(value.unsigned_abs() as u64, value < 0, show);
            }
        }
    )*};
}

integer!(u8, u16, u32, u64, i8, i16, i32, i64);

macro_rules! float {
    ($($type:ty),*) => {$(
        impl Number<{ size_of::<$type>() }> for $type {
            fn number(bytes: [u8; size_of::<$type>()]) -> f64 {
                Self::from_le_bytes(bytes).into()
            }

            /// The map lets no floating-point number be a category.
            fn category(_: [u8; size_of::<$type>()], _: impl FnOnce(&str)) {}
        }
    )*};
}

float!(f16, bf16, f32, f64);

impl Number<1> for bool {
    fn number([byte]: [u8; 1]) -> f64 {
        f64::from(byte != 0)
    }

    fn category([byte]: [u8; 1], show: impl FnOnce(&str)) {
        show(if byte == 0 { "false" } else { "true" });
    }
}

/// Shows an integer in decimal digits, without an allocation.
pub(crate) fn digits(mut magnitude: u64, negative: bool, show: impl FnOnce(&str)) {
    // A sign and the twenty digits of the largest number.
    let mut text = [b'-'; 21];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (magnitude % 10) as u8;
        magnitude /= 10;
        if magnitude == 0 {
            break;
        }
    }
    start -= usize::from(negative);
    show(std::str::from_utf8(&text[start..]).expect("digits and a sign are ASCII"));
}

//! [`Element`]: the Rust types that a tensor's elements can be read as.

use std::fmt::Debug;

use half::{bf16, f16};

use crate::{Error, Result, tensor::DataType};

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the element of a dense tensor: `bool`, the fixed-size integers, `f32`,
/// `f64`, [`half::f16`] and [`half::bf16`]. Byte strings are not: see
/// [`Tensor::strings`](crate::tensor::Tensor::strings).
///
/// Sealed: which types exist is decided by the protocol.
pub trait Element: sealed::Sealed + Copy + Debug + Send + Sync + 'static {
    /// The data type of tensors with this element.
    const DATA_TYPE: DataType;

    /// Reads bytes as elements, without a copy.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the bytes are misaligned for this type, are not a whole number
    /// of elements, or, for `bool`, hold anything but 0 and 1.
    fn cast(bytes: &[u8]) -> Result<&[Self]>;

    /// Reads elements as bytes, without a copy.
    fn as_bytes(elements: &[Self]) -> &[u8];
}

macro_rules! plain_element {
    ($($rust:ty => $data_type:ident),* $(,)?) => {$(
        impl sealed::Sealed for $rust {}

        impl Element for $rust {
            const DATA_TYPE: DataType = DataType::$data_type;

            fn cast(bytes: &[u8]) -> Result<&[Self]> {
                if bytes.is_empty() {
                    return Ok(&[]);
                }
                bytemuck::try_cast_slice(bytes).map_err(|error| cast_error(Self::DATA_TYPE, error))
            }

            fn as_bytes(elements: &[Self]) -> &[u8] {
                bytemuck::cast_slice(elements)
            }
        }
    )*};
}

plain_element! {
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    f16 => F16, bf16 => Bf16, f32 => F32, f64 => F64,
}

impl sealed::Sealed for bool {}

impl Element for bool {
    const DATA_TYPE: DataType = DataType::Bool;

    fn cast(bytes: &[u8]) -> Result<&[Self]> {
        bytemuck::checked::try_cast_slice(bytes).map_err(|error| cast_error(Self::DATA_TYPE, error))
    }

    fn as_bytes(elements: &[Self]) -> &[u8] {
        bytemuck::cast_slice(elements)
    }
}

#[cold]
fn cast_error(data_type: DataType, error: impl std::fmt::Display) -> Error {
    Error::invalid("tensor bytes", format!("cannot be read as {data_type}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bool_takes_only_zero_and_one() {
        assert_eq!(bool::cast(&[0, 1]).unwrap(), [false, true]);
        assert!(bool::cast(&[0, 2]).is_err());
    }

    #[test]
    fn an_empty_slice_needs_no_alignment() {
        let bytes = [0_u8; 9];
        for start in 0..8 {
            assert!(f64::cast(&bytes[start..start]).unwrap().is_empty());
        }
    }

    #[test]
    fn misaligned_or_ragged_bytes_are_refused() {
        let aligned = [0_u64; 2];
        let bytes: &[u8] = bytemuck::cast_slice(&aligned);
        assert!(f32::cast(&bytes[1..5]).is_err());
        assert!(f32::cast(&bytes[..6]).is_err());
        assert!(f32::cast(&bytes[..8]).is_ok());
    }
}

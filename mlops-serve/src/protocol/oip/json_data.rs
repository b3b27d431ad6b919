//! The `data` of a tensor in JSON: numbers, booleans or strings, flat or nested, in C order.

use std::{fmt, marker::PhantomData, sync::Arc};

use bytes::Bytes;
use mlops_core::{
    Error, Result,
    tensor::{DataType, Element, Tensor, TensorName},
};
use ndarray::{ArrayD, IxDyn};
use serde::{
    Deserializer,
    de::{self, DeserializeSeed, SeqAccess, Unexpected, Visitor},
};
use serde_json::value::RawValue;

/// A tensor of this type and shape from its JSON.
pub(crate) fn decode(
    name: &TensorName,
    data_type: DataType,
    shape: &[usize],
    data: &RawValue,
) -> Result<Tensor> {
    match data_type {
        DataType::Bool => dense::<bool>(name, shape, data),
        DataType::U8 => dense::<u8>(name, shape, data),
        DataType::U16 => dense::<u16>(name, shape, data),
        DataType::U32 => dense::<u32>(name, shape, data),
        DataType::U64 => dense::<u64>(name, shape, data),
        DataType::I8 => dense::<i8>(name, shape, data),
        DataType::I16 => dense::<i16>(name, shape, data),
        DataType::I32 => dense::<i32>(name, shape, data),
        DataType::I64 => dense::<i64>(name, shape, data),
        DataType::F32 => dense::<f32>(name, shape, data),
        DataType::F64 => dense::<f64>(name, shape, data),
        DataType::Bytes => {
            Tensor::from_strings(shape, elements::<Bytes>(name, data_type, shape, data)?)
        }
        DataType::F16 | DataType::Bf16 => Err(Error::invalid_tensor(
            Arc::clone(name),
            format_args!("{data_type} as binary data, because JSON has no such numbers"),
            "JSON",
        )),
    }
}

fn dense<T: Element + FromJson>(
    name: &TensorName,
    shape: &[usize],
    data: &RawValue,
) -> Result<Tensor> {
    let elements = elements::<T>(name, T::DATA_TYPE, shape, data)?;
    let array = ArrayD::from_shape_vec(IxDyn(shape), elements);
    array.map(Tensor::from_array).map_err(|error| Error::invalid("tensor shape", error))
}

fn elements<T: FromJson>(
    name: &TensorName,
    data_type: DataType,
    shape: &[usize],
    data: &RawValue,
) -> Result<Vec<T>> {
    let invalid = |actual: &dyn fmt::Display| {
        Error::invalid_tensor(Arc::clone(name), format_args!("{data_type}{shape:?}"), actual)
    };
    let expected = shape
        .iter()
        .try_fold(1_usize, |count, size| count.checked_mul(*size))
        .ok_or_else(|| invalid(&"a shape that overflows"))?;
    // The JSON has at least two characters for each element: what the shape claims is no reason to
    // allocate more.
    let mut elements = Vec::with_capacity(expected.min(data.get().len() / 2 + 1));
    let flatten = Flatten {
        elements: &mut elements,
        expected,
        depth: shape.len().max(1),
        inner: PhantomData::<T>,
    };
    let mut deserializer = serde_json::Deserializer::from_str(data.get());
    flatten.deserialize(&mut deserializer).map_err(|error| invalid(&error))?;
    if elements.len() != expected {
        return Err(invalid(&format_args!("{} elements", elements.len())));
    }
    Ok(elements)
}

/// A value that one element of `data` can be.
trait FromJson: Sized {
    const EXPECTED: &'static str;

    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_u64(_: u64) -> Option<Self> {
        None
    }

    fn from_i64(_: i64) -> Option<Self> {
        None
    }

    fn from_f64(_: f64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl FromJson for $integer {
            const EXPECTED: &'static str =
                concat!("an integer that fits ", stringify!($integer));

            fn from_u64(value: u64) -> Option<Self> {
                value.try_into().ok()
            }

            fn from_i64(value: i64) -> Option<Self> {
                value.try_into().ok()
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i8, i16, i32, i64);

impl FromJson for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_u64(value: u64) -> Option<Self> {
        Some(value as Self)
    }

    fn from_i64(value: i64) -> Option<Self> {
        Some(value as Self)
    }

    fn from_f64(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for f32 {
    const EXPECTED: &'static str = "a number that fits f32";

    fn from_u64(value: u64) -> Option<Self> {
        Some(value as Self)
    }

    fn from_i64(value: i64) -> Option<Self> {
        Some(value as Self)
    }

    fn from_f64(value: f64) -> Option<Self> {
        let single = value as Self;
        // A finite number must not silently become infinite.
        single.is_finite().then_some(single)
    }
}

impl FromJson for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for Bytes {
    const EXPECTED: &'static str = "a string";

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::copy_from_slice(text.as_bytes()))
    }
}

/// Reads elements out of arrays nested up to `depth` deep, never more than expected.
struct Flatten<'a, T> {
    elements: &'a mut Vec<T>,
    expected: usize,
    depth: usize,
    inner: PhantomData<T>,
}

impl<T: FromJson> Flatten<'_, T> {
    fn push<E: de::Error>(self, element: Option<T>, found: Unexpected<'_>) -> Result<(), E> {
        let element = element.ok_or_else(|| E::invalid_value(found, &T::EXPECTED))?;
        if self.elements.len() == self.expected {
            return Err(E::custom(format_args!("more than {} elements", self.expected)));
        }
        self.elements.push(element);
        Ok(())
    }
}

impl<'de, T: FromJson> DeserializeSeed<'de> for Flatten<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: FromJson> Visitor<'de> for Flatten<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(de::Error::custom("arrays nested deeper than the shape"));
        };
        loop {
            let inner = Flatten {
                elements: &mut *self.elements,
                expected: self.expected,
                depth,
                inner: PhantomData::<T>,
            };
            if sequence.next_element_seed(inner)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.push(T::from_bool(value), Unexpected::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.push(T::from_u64(value), Unexpected::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.push(T::from_i64(value), Unexpected::Signed(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.push(T::from_f64(value), Unexpected::Float(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.push(T::from_text(text), Unexpected::Str(text))
    }
}

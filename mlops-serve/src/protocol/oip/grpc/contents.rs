//! Typed contents: the elements of an input as fields of the message.

use std::fmt::Display;

use mlops_core::{
    Error, Result,
    ndarray::{ArrayD, IxDyn},
    tensor::{DataType, Element, Tensor, TensorName},
};

use super::generated::InferTensorContents;

/// A tensor from the field that its type travels in.
pub(super) fn decode(
    name: &TensorName,
    data_type: DataType,
    shape: &[usize],
    contents: InferTensorContents,
) -> Result<Tensor> {
    let input = Input { name, data_type, shape };
    match data_type {
        DataType::Bool => input.dense(contents.bool_contents),
        DataType::U8 => input.narrow::<_, u8>(contents.uint_contents),
        DataType::U16 => input.narrow::<_, u16>(contents.uint_contents),
        DataType::U32 => input.dense(contents.uint_contents),
        DataType::U64 => input.dense(contents.uint64_contents),
        DataType::I8 => input.narrow::<_, i8>(contents.int_contents),
        DataType::I16 => input.narrow::<_, i16>(contents.int_contents),
        DataType::I32 => input.dense(contents.int_contents),
        DataType::I64 => input.dense(contents.int64_contents),
        DataType::F32 => input.dense(contents.fp32_contents),
        DataType::F64 => input.dense(contents.fp64_contents),
        DataType::Bytes => {
            let strings = contents.bytes_contents;
            let count = strings.len();
            Tensor::from_strings(shape, strings)
                .map_err(|error| input.invalid(format_args!("{count} elements ({error})")))
        }
        DataType::F16 | DataType::Bf16 => Err(Error::invalid_tensor(
            TensorName::clone(name),
            format_args!("{data_type} in `raw_input_contents`, because it has no typed contents"),
            "`contents`",
        )),
    }
}

struct Input<'a> {
    name: &'a TensorName,
    data_type: DataType,
    shape: &'a [usize],
}

impl Input<'_> {
    fn dense<T: Element>(&self, elements: Vec<T>) -> Result<Tensor> {
        let count = elements.len();
        ArrayD::from_shape_vec(IxDyn(self.shape), elements)
            .map(Tensor::from_array)
            .map_err(|error| self.invalid(format_args!("{count} elements ({error})")))
    }

    /// Small integers travel in larger ones.
    fn narrow<W, T>(&self, elements: Vec<W>) -> Result<Tensor>
    where
        W: Copy + Display,
        T: Element + TryFrom<W, Error: Display>,
    {
        let narrow = elements.into_iter().map(|wide| {
            T::try_from(wide).map_err(|error| self.invalid(format_args!("{wide} ({error})")))
        });
        self.dense(narrow.collect::<Result<Vec<T>>>()?)
    }

    fn invalid(&self, actual: impl Display) -> Error {
        let Self { name, data_type, shape } = self;
        Error::invalid_tensor(TensorName::clone(name), format_args!("{data_type}{shape:?}"), actual)
    }
}

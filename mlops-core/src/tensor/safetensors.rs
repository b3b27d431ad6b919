//! Tensors as the content of a [safetensors](https://github.com/huggingface/safetensors) file.

use std::borrow::Cow;

use bytes::Bytes;
use safetensors::{
    Dtype, SafeTensors,
    tensor::{TensorView, View, serialize},
};

use crate::{
    Error, Result,
    tensor::{DataType, NamedTensors, Tensor},
};

impl NamedTensors {
    /// The content of a safetensors file with these tensors. The format orders them by size of element and
    /// by name.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for byte strings, which the format does not have.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let entries = self.iter().map(|(name, tensor)| {
            let (Some(dtype), Some(_)) = (dtype(tensor.data_type()), tensor.bytes()) else {
                let feature = format!("{} of tensor `{name}`", tensor.data_type());
                return Err(Error::unsupported("safetensors", feature));
            };
            Ok((&**name, Entry { tensor, dtype }))
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        serialize(entries, None).map_err(|error| Error::backend("safetensors", error))
    }

    /// The tensors of a safetensors file, in the order of their names. Their bytes are shared, not copied,
    /// and may need [`Tensor::into_aligned`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is none; [`Error::Unsupported`] for a type that tensors here do not
    /// have.
    pub fn from_safetensors(content: &Bytes) -> Result<Self> {
        let file = SafeTensors::deserialize(content)
            .map_err(|error| Error::invalid("safetensors", error))?;
        let mut views: Vec<(&str, TensorView<'_>)> = file.iter().collect();
        views.sort_unstable_by_key(|(name, _)| *name);
        let mut tensors = Self::new();
        for (name, view) in views {
            let known = DataType::ALL.into_iter().find(|it| dtype(*it) == Some(view.dtype()));
            let Some(data_type) = known else {
                let feature = format!("{:?} of tensor `{name}`", view.dtype());
                return Err(Error::unsupported("a tensor", feature));
            };
            let bytes = content.slice_ref(view.data());
            tensors.insert(name, Tensor::from_bytes(data_type, view.shape(), bytes)?)?;
        }
        Ok(tensors)
    }
}

struct Entry<'a> {
    tensor: &'a Tensor,
    dtype: Dtype,
}

impl View for Entry<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.tensor.bytes().map_or(&[], |bytes| bytes))
    }

    fn data_len(&self) -> usize {
        self.tensor.size_bytes()
    }
}

/// What the format calls a type; `None` for byte strings.
fn dtype(data_type: DataType) -> Option<Dtype> {
    Some(match data_type {
        DataType::Bool => Dtype::BOOL,
        DataType::U8 => Dtype::U8,
        DataType::U16 => Dtype::U16,
        DataType::U32 => Dtype::U32,
        DataType::U64 => Dtype::U64,
        DataType::I8 => Dtype::I8,
        DataType::I16 => Dtype::I16,
        DataType::I32 => Dtype::I32,
        DataType::I64 => Dtype::I64,
        DataType::F16 => Dtype::F16,
        DataType::Bf16 => Dtype::BF16,
        DataType::F32 => Dtype::F32,
        DataType::F64 => Dtype::F64,
        DataType::Bytes => return None,
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_type_comes_back_as_it_was() {
        let mut tensors = NamedTensors::new();
        for data_type in DataType::ALL {
            let Some(size) = data_type.size_bytes() else { continue };
            for (shape, count) in [(&[][..], 1), (&[0, 3][..], 0), (&[2, 3][..], 6)] {
                let bytes = vec![1; size * count].into();
                let tensor = Tensor::from_bytes(data_type, shape, bytes).unwrap();
                tensors.insert(format!("{data_type} {shape:?}"), tensor).unwrap();
            }
        }
        let content = tensors.to_safetensors().unwrap().into();
        let read = NamedTensors::from_safetensors(&content).unwrap();
        assert_eq!(read.len(), tensors.len());
        for (name, tensor) in &tensors {
            assert_eq!(read.require(name).unwrap(), tensor);
        }
    }

    #[test]
    fn byte_strings_and_foreign_types_are_refused_by_name() {
        let texts = Tensor::from_strings(&[1], vec!["a".into()]).unwrap();
        let error = NamedTensors::single("words", texts).to_safetensors().unwrap_err();
        assert!(error.to_string().contains("words"), "{error}");

        let view = TensorView::new(Dtype::F8_E4M3, vec![1], &[0]).unwrap();
        let content = serialize([("eight", view)], None).unwrap().into();
        let error = NamedTensors::from_safetensors(&content).unwrap_err();
        assert!(matches!(&error, Error::Unsupported { feature, .. } if feature.contains("eight")));
    }

    proptest! {
        #[test]
        fn damaged_content_is_an_error(
            values in proptest::collection::vec(any::<f32>(), 0..20),
            cut: prop::sample::Index,
            flipped: prop::sample::Index,
        ) {
            let mut tensors = NamedTensors::single("a", Tensor::from_array(Array1::from(values)));
            tensors.insert("b", Tensor::from_array(array![1_u8, 2])).unwrap();
            let content = tensors.to_safetensors().unwrap();
            let short: Bytes = content[..cut.index(content.len())].to_vec().into();
            prop_assert!(NamedTensors::from_safetensors(&short).is_err());
            // Whatever it is then, it is no panic.
            let mut other = content;
            let index = flipped.index(other.len());
            other[index] ^= 0x10;
            drop(NamedTensors::from_safetensors(&other.into()));
        }
    }
}

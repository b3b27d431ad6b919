//! [`NamedTensors`]: the inputs or outputs of a model.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{Error, Result, tensor::Tensor};

/// A tensor's name. Decoders share the names of the model's signature instead of copying them.
pub type TensorName = Arc<str>;

/// Tensors by name, in the order they were inserted, each name once.
///
/// A model has a handful of inputs: a small vector, searched from the front, is faster than a map.
///
/// ```
/// use mlops_core::tensor::{NamedTensors, Tensor};
/// use ndarray::array;
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut inputs = NamedTensors::new();
/// inputs.insert("input", Tensor::from_array(array![[1.0_f32, 2.0]]))?;
/// assert!(inputs.insert("input", Tensor::from_array(array![0_u8])).is_err());
/// assert_eq!(inputs.get("input").unwrap().shape(), [1, 2]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedTensors(SmallVec<[(TensorName, Tensor); 1]>);

impl NamedTensors {
    /// No tensors.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One tensor.
    #[inline]
    #[must_use]
    pub fn single(name: impl Into<TensorName>, tensor: Tensor) -> Self {
        Self(smallvec::smallvec![(name.into(), tensor)])
    }

    /// Adds a tensor at the end.
    ///
    /// # Errors
    /// [`Error::InvalidTensor`] if there is one of this name already.
    #[inline]
    pub fn insert(&mut self, name: impl Into<TensorName>, tensor: Tensor) -> Result<()> {
        let name = name.into();
        if self.get(&name).is_some() {
            return Err(Error::invalid_tensor(name, "one tensor of this name", "a second one"));
        }
        self.0.push((name, tensor));
        Ok(())
    }

    /// The tensor of this name.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(other, _)| **other == *name).map(|(_, tensor)| tensor)
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    #[inline]
    pub fn require(&self, name: &str) -> Result<&Tensor> {
        self.get(name).ok_or_else(|| Error::not_found("tensor", name))
    }

    /// How many tensors there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and tensors in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TensorName, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name, tensor))
    }

    /// Bytes of content of all tensors together.
    #[inline]
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(_, tensor)| tensor.size_bytes()).sum()
    }
}

impl<'a> IntoIterator for &'a NamedTensors {
    type Item = &'a (TensorName, Tensor);
    type IntoIter = std::slice::Iter<'a, (TensorName, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for NamedTensors {
    type Item = (TensorName, Tensor);
    type IntoIter = smallvec::IntoIter<[(TensorName, Tensor); 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

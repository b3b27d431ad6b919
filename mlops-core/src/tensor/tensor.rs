//! [`Tensor`]: a type, a shape and shared bytes.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use ndarray::{Array, ArrayViewD, Dimension, IxDyn};
use smallvec::SmallVec;

use crate::{
    Error, Result,
    tensor::{DataType, Element},
};

#[cfg(target_endian = "big")]
compile_error!("tensor bytes are little-endian: big-endian targets are not supported");

/// An n-dimensional array: a [`DataType`], a shape and shared, immutable storage.
///
/// Dense elements lie in C order (the last axis varies fastest), little-endian, in [`Bytes`], so a
/// tensor is at once the body of a request, a row of a batch and an entry of a checkpoint. Cloning
/// and slicing rows share the storage; nothing is copied until somebody asks for it.
///
/// Bytes that came over a wire may lie at any address: [`view`](Self::view) and
/// [`as_slice`](Self::as_slice) refuse misaligned ones, [`into_aligned`](Self::into_aligned) moves
/// them if it must.
///
/// ```
/// use mlops_core::tensor::Tensor;
/// use ndarray::array;
///
/// # fn main() -> mlops_core::Result<()> {
/// let tensor = Tensor::from_array(array![[1.0_f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(tensor.rows(1..2)?.as_slice::<f32>()?, [3.0, 4.0]);
/// # Ok(())
/// # }
/// ```
///
/// Equality is of type, shape and bytes: a NaN equals the same NaN, and `0.0` differs from `-0.0`.
#[derive(Clone, PartialEq, Eq)]
pub struct Tensor {
    data_type: DataType,
    shape: SmallVec<[usize; 4]>,
    storage: Storage,
}

#[derive(Clone)]
enum Storage {
    Dense(Bytes),
    /// `items[range]` are this tensor's elements: a row slice shares the items.
    Strings {
        items: Arc<[Bytes]>,
        range: Range<usize>,
    },
}

impl Tensor {
    /// A dense tensor over these bytes, which must be exactly the shape's elements.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the number of bytes is another, the shape overflows `usize`,
    /// or the type is [`DataType::Bytes`].
    pub fn from_bytes(data_type: DataType, shape: &[usize], bytes: Bytes) -> Result<Self> {
        let Some(element) = data_type.size_bytes() else {
            return Err(Error::invalid("tensor", "BYTES tensors are made by from_strings"));
        };
        let expected = element_count(shape)?
            .checked_mul(element)
            .ok_or_else(|| Error::invalid("tensor shape", format!("{shape:?} overflows")))?;
        if bytes.len() != expected {
            return Err(Error::invalid(
                "tensor",
                format!(
                    "{data_type}{shape:?} takes {expected} bytes, but {} were given",
                    bytes.len()
                ),
            ));
        }
        Ok(Self { data_type, shape: SmallVec::from_slice(shape), storage: Storage::Dense(bytes) })
    }

    /// Takes the array's buffer, without a copy if it is in standard (C) layout.
    #[must_use]
    pub fn from_array<T: Element, D: Dimension>(array: Array<T, D>) -> Self {
        let shape = SmallVec::from_slice(array.shape());
        let array = if array.is_standard_layout() {
            array
        } else {
            array.as_standard_layout().into_owned()
        };
        let size_bytes = array.len() * size_of::<T>();
        let (elements, offset) = array.into_raw_vec_and_offset();
        let start = offset.unwrap_or(0) * size_of::<T>();
        let bytes = Bytes::from_owner(Elements(elements)).slice(start..start + size_bytes);
        Self { data_type: T::DATA_TYPE, shape, storage: Storage::Dense(bytes) }
    }

    /// A [`DataType::Bytes`] tensor of these strings, in C order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the shape has another number of elements.
    pub fn from_strings(shape: &[usize], strings: Vec<Bytes>) -> Result<Self> {
        let expected = element_count(shape)?;
        if strings.len() != expected {
            return Err(Error::invalid(
                "tensor",
                format!(
                    "BYTES{shape:?} takes {expected} strings, but {} were given",
                    strings.len()
                ),
            ));
        }
        Ok(Self {
            data_type: DataType::Bytes,
            shape: SmallVec::from_slice(shape),
            storage: Storage::Strings { items: strings.into(), range: 0..expected },
        })
    }

    /// What the elements are.
    #[inline]
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The size of each axis; empty for a scalar.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements it has: 1 for a scalar.
    #[inline]
    #[must_use]
    pub fn element_count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The size of axis 0; `None` for a scalar, which has no axis.
    #[inline]
    #[must_use]
    pub fn row_count(&self) -> Option<usize> {
        self.shape.first().copied()
    }

    /// Bytes of content: of the elements, or of all strings together.
    #[inline]
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match &self.storage {
            Storage::Dense(bytes) => bytes.len(),
            Storage::Strings { items, range } => items[range.clone()].iter().map(Bytes::len).sum(),
        }
    }

    /// The bytes of a dense tensor; `None` for strings.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.storage {
            Storage::Dense(bytes) => Some(bytes),
            Storage::Strings { .. } => None,
        }
    }

    /// The elements of a [`DataType::Bytes`] tensor in C order; `None` for others.
    #[inline]
    #[must_use]
    pub fn strings(&self) -> Option<&[Bytes]> {
        match &self.storage {
            Storage::Dense(_) => None,
            Storage::Strings { items, range } => Some(&items[range.clone()]),
        }
    }

    /// The elements in C order, without a copy.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `T` is not the tensor's type or the bytes are misaligned for
    /// it; see [`into_aligned`](Self::into_aligned).
    #[inline]
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        match &self.storage {
            Storage::Dense(bytes) if self.data_type == T::DATA_TYPE => T::cast(bytes),
            _ => Err(Error::invalid(
                "tensor view",
                format!("a {} tensor cannot be read as {}", self.data_type, T::DATA_TYPE),
            )),
        }
    }

    /// The elements as an array view, without a copy.
    ///
    /// # Errors
    /// Like [`as_slice`](Self::as_slice).
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let elements = self.as_slice::<T>()?;
        ArrayViewD::from_shape(IxDyn(&self.shape), elements)
            .map_err(|error| Error::invalid("tensor view", error))
    }

    /// Some rows (along axis 0) of this tensor, sharing its storage.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is a scalar or the range is not within its rows.
    pub fn rows(&self, rows: Range<usize>) -> Result<Self> {
        let count =
            self.row_count().ok_or_else(|| Error::invalid("row range", "a scalar has no rows"))?;
        if rows.start > rows.end || rows.end > count {
            return Err(Error::invalid(
                "row range",
                format!("{rows:?} is not within the {count} rows"),
            ));
        }
        let mut shape = self.shape.clone();
        shape[0] = rows.len();
        let per_row: usize = self.shape[1..].iter().product();
        let storage = match &self.storage {
            Storage::Dense(bytes) => {
                let row_bytes = per_row * self.data_type.size_bytes().unwrap_or(0);
                Storage::Dense(bytes.slice(rows.start * row_bytes..rows.end * row_bytes))
            }
            Storage::Strings { items, range } => Storage::Strings {
                items: Arc::clone(items),
                range: range.start + rows.start * per_row..range.start + rows.end * per_row,
            },
        };
        Ok(Self { data_type: self.data_type, shape, storage })
    }

    /// The same elements under another shape, sharing the storage.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the shape has another number of elements.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self> {
        if element_count(shape)? != self.element_count() {
            return Err(Error::invalid(
                "tensor shape",
                format!("{:?} cannot become {shape:?}", &self.shape[..]),
            ));
        }
        Ok(Self {
            data_type: self.data_type,
            shape: SmallVec::from_slice(shape),
            storage: self.storage.clone(),
        })
    }

    /// True if its bytes lie at an address its type can be read from.
    #[inline]
    #[must_use]
    pub fn is_aligned(&self) -> bool {
        match &self.storage {
            Storage::Dense(bytes) => is_aligned(self.data_type, bytes),
            Storage::Strings { .. } => true,
        }
    }

    /// This tensor with its bytes at an address its type can be read from: itself if they are,
    /// a copy otherwise.
    #[must_use]
    pub fn into_aligned(self) -> Self {
        match &self.storage {
            Storage::Dense(bytes) if !is_aligned(self.data_type, bytes) => {
                let storage = Storage::Dense(AlignedBytes::copy_of(bytes));
                Self { storage, ..self }
            }
            _ => self,
        }
    }

    /// A copy with a buffer of its own, as large as its content and aligned.
    ///
    /// A row slice keeps the whole batch in memory; whoever holds on to one detaches it first.
    #[must_use]
    pub fn detached(&self) -> Self {
        let storage = match &self.storage {
            Storage::Dense(bytes) => Storage::Dense(AlignedBytes::copy_of(bytes)),
            Storage::Strings { items, range } => {
                let items: Arc<[Bytes]> =
                    items[range.clone()].iter().map(|item| Bytes::copy_from_slice(item)).collect();
                Storage::Strings { range: 0..items.len(), items }
            }
        };
        Self { data_type: self.data_type, shape: self.shape.clone(), storage }
    }
}

impl PartialEq for Storage {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dense(left), Self::Dense(right)) => left == right,
            (
                Self::Strings { items: left, range: left_range },
                Self::Strings { items: right, range: right_range },
            ) => left[left_range.clone()] == right[right_range.clone()],
            _ => false,
        }
    }
}

impl Eq for Storage {}

impl fmt::Debug for Tensor {
    /// Type, shape and size; never the content, which may be large or private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({}{:?}, {} bytes)", self.data_type, self.shape, self.size_bytes())
    }
}

fn element_count(shape: &[usize]) -> Result<usize> {
    // A zero anywhere makes the tensor empty, even where the other sizes would overflow.
    if shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(1_usize, |count, size| count.checked_mul(*size))
        .ok_or_else(|| Error::invalid("tensor shape", format!("{shape:?} overflows")))
}

fn is_aligned(data_type: DataType, bytes: &[u8]) -> bool {
    let alignment = data_type.size_bytes().unwrap_or(1);
    bytes.is_empty() || bytes.as_ptr().addr().is_multiple_of(alignment)
}

/// Owns an array's buffer and shows it as bytes.
struct Elements<T>(Vec<T>);

impl<T: Element> AsRef<[u8]> for Elements<T> {
    fn as_ref(&self) -> &[u8] {
        T::as_bytes(&self.0)
    }
}

/// A buffer at an address that is a multiple of eight, which suits every element type.
struct AlignedBytes {
    words: Vec<u64>,
    size_bytes: usize,
}

impl AlignedBytes {
    fn copy_of(bytes: &[u8]) -> Bytes {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Bytes::from_owner(Self { words, size_bytes: bytes.len() })
    }
}

impl AsRef<[u8]> for AlignedBytes {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.size_bytes]
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

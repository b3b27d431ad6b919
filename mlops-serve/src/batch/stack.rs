//! Rows of several requests as one tensor, and back.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mlops_core::{
    Error, Result,
    signature::{ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor, TensorName},
};
use smallvec::SmallVec;

use super::{
    pad::{cut, pad},
    padding::{Padding, fill},
};

/// Rows up to this size are copied out of a batch; larger ones share it. A copy costs less than the
/// book-keeping of a share, and a slow reader of a small row must not keep a large batch alive.
const COPY_UP_TO_BYTES: usize = 256;

type Shape = SmallVec<[usize; 4]>;

/// How requests of one model are made a batch.
#[derive(Debug)]
pub(super) struct Layout {
    /// What the session takes, masks included.
    pub(super) signature: Arc<ModelSignature>,
    pub(super) padding: Vec<Padding>,
    /// Rows that a batch may have, ascending; any, if there are none.
    pub(super) allowed_batch_sizes: Vec<usize>,
}

impl Layout {
    /// What callers send: the session's inputs without the masks.
    pub(super) fn public_signature(&self) -> Arc<ModelSignature> {
        if self.padding.iter().all(|padding| padding.mask.is_none()) {
            return Arc::clone(&self.signature);
        }
        let mut signature = ModelSignature::clone(&self.signature);
        signature.inputs.retain(|spec| self.mask(spec).is_none());
        Arc::new(signature)
    }

    /// Rows of a batch that holds this many.
    pub(super) fn batch_rows(&self, rows: usize) -> usize {
        let fits = self.allowed_batch_sizes.iter().find(|allowed| **allowed >= rows);
        fits.copied().unwrap_or(rows)
    }

    /// True if these inputs can be run as they are.
    pub(super) fn is_complete(&self, inputs: &NamedTensors, rows: usize) -> bool {
        self.batch_rows(rows) == rows
            && (self.padding.is_empty()
                || self.signature.inputs.iter().all(|spec| {
                    inputs.get(&spec.name).is_some_and(|tensor| {
                        self.padded(spec, tensor.shape())[..] == *tensor.shape()
                    })
                }))
    }

    /// The padding whose mask this input is.
    fn mask(&self, spec: &TensorSpec) -> Option<&Padding> {
        self.padding.iter().find(|padding| padding.mask.as_deref() == Some(&*spec.name))
    }

    /// This shape of an input with its padded axes rounded.
    fn padded(&self, spec: &TensorSpec, shape: &[usize]) -> Shape {
        let mut padded = Shape::from_slice(shape);
        for padding in &self.padding {
            for axis in padding.axes_of(spec) {
                padded[axis] = padding.rounding.round(shape[axis]).unwrap_or(shape[axis]);
            }
        }
        padded
    }

    /// How large a request is along the dimension of a padding.
    fn size(&self, padding: &Padding, inputs: &NamedTensors) -> Option<usize> {
        self.signature.inputs.iter().find_map(|spec| {
            let axis = padding.axes_of(spec).next()?;
            Some(inputs.get(&spec.name)?.shape()[axis])
        })
    }
}

/// Stacks inputs, in memory that it uses again from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Stacker {
    /// One for each input. A buffer is free again once the batch it held is gone.
    buffers: Vec<BytesMut>,
}

impl Stacker {
    /// The inputs of all requests, stacked along axis 0 in their order and padded.
    pub(super) fn stack<'a>(
        &mut self,
        layout: &Layout,
        requests: &(impl Iterator<Item = &'a NamedTensors> + Clone),
    ) -> Result<NamedTensors> {
        let signature = &layout.signature;
        self.buffers.resize_with(signature.inputs.len(), BytesMut::new);
        let mut stacked = NamedTensors::new();
        for (spec, buffer) in signature.inputs.iter().zip(&mut self.buffers) {
            let tensor = if let Some(padding) = layout.mask(spec) {
                let parts = requests.clone().map(|inputs| mask(layout, padding, spec, inputs));
                let parts = parts.collect::<Result<SmallVec<[Tensor; 8]>>>()?;
                stack(layout, spec, &parts.iter().collect::<Parts<'_>>(), buffer)?
            } else {
                let parts = requests.clone().map(|inputs| inputs.require(&spec.name));
                stack(layout, spec, &parts.collect::<Result<Parts<'_>>>()?, buffer)?
            };
            stacked.insert(Arc::clone(&spec.name), tensor)?;
        }
        Ok(stacked)
    }
}

type Parts<'a> = SmallVec<[&'a Tensor; 64]>;

/// The mask of one request: 1 for each of its rows and as far as it is real.
fn mask(
    layout: &Layout,
    padding: &Padding,
    spec: &TensorSpec,
    inputs: &NamedTensors,
) -> Result<Tensor> {
    let rows = inputs.iter().next().and_then(|(_, tensor)| tensor.row_count()).unwrap_or(0);
    let size = layout.size(padding, inputs).unwrap_or(0);
    let one = fill(spec.data_type, 1).unwrap_or_default();
    Tensor::from_bytes(spec.data_type, &[rows, size], one.repeat(rows * size).into())
}

fn stack(
    layout: &Layout,
    spec: &TensorSpec,
    parts: &[&Tensor],
    buffer: &mut BytesMut,
) -> Result<Tensor> {
    let first = parts.first().map_or(&[][..], |part| part.shape());
    let mut shape = layout.padded(spec, first);
    let rows: usize = parts.iter().filter_map(|part| part.row_count()).sum();
    let batch_rows = layout.batch_rows(rows);
    if let Some(first) = shape.first_mut() {
        *first = batch_rows;
    }
    let inner = shape.get(1..).unwrap_or_default();
    // With the rows of the part: only what is behind axis 0 is padded here.
    let padded =
        |part: &Tensor| -> Shape { part.shape().iter().take(1).chain(inner).copied().collect() };
    let value = layout.padding.iter().find_map(|padding| padding.value_of(&spec.name));
    if spec.data_type == DataType::Bytes {
        let mut strings: Vec<Bytes> = Vec::new();
        for part in parts {
            let items = part.strings().unwrap_or_default();
            let show = &mut |piece: &[Bytes]| strings.extend_from_slice(piece);
            pad(items, part.shape(), &padded(part), &[Bytes::new()], show);
        }
        let row = inner.iter().product::<usize>();
        for _ in rows..batch_rows {
            match strings.len().checked_sub(row) {
                Some(start) if rows > 0 => strings.extend_from_within(start..),
                _ => strings.resize(strings.len() + row, Bytes::new()),
            }
        }
        return Tensor::from_strings(&shape, strings);
    }
    let row = inner.iter().product::<usize>() * spec.data_type.size_bytes().unwrap_or(0);
    buffer.reserve(batch_rows * row);
    for part in parts {
        let Some(bytes) = part.bytes() else {
            continue;
        };
        if part.shape().get(1..) == Some(inner) {
            buffer.extend_from_slice(bytes);
        } else {
            let fill = fill(spec.data_type, value.unwrap_or(0)).unwrap_or_default();
            let show = &mut |piece: &[u8]| buffer.extend_from_slice(piece);
            pad(bytes, part.shape(), &padded(part), &fill, show);
        }
    }
    // Rows that only fill the batch up are like its last: a model may not take zeros.
    for _ in rows..batch_rows {
        let end = buffer.len();
        buffer.resize(end + row, 0);
        if rows > 0 {
            buffer.copy_within(end - row..end, end);
        }
    }
    Tensor::from_bytes(spec.data_type, &shape, buffer.split().freeze())
}

/// Checks that every output has the batch's rows, before a single one is handed out: a model that
/// does not keep rows apart would otherwise give callers each other's answers.
pub(super) fn check_rows(outputs: &NamedTensors, rows: usize) -> Result<()> {
    for (name, tensor) in outputs {
        if tensor.row_count() != Some(rows) {
            let feature = format!(
                "output `{name}` of shape {:?} for {rows} rows of input: the model does not keep \
                 rows apart; serve it with `Batching::Never`",
                tensor.shape()
            );
            return Err(Error::unsupported("batching", feature));
        }
    }
    Ok(())
}

/// The rows from `start` on that belong to one request, whose inputs these are, without padding.
pub(super) fn split_rows(
    layout: &Layout,
    outputs: &NamedTensors,
    start: usize,
    rows: usize,
    inputs: &NamedTensors,
) -> Result<NamedTensors> {
    let mut split = NamedTensors::new();
    for (name, tensor) in outputs {
        let part = tensor.rows(start..start + rows)?;
        let part =
            if layout.padding.is_empty() { part } else { unpad(layout, name, part, inputs)? };
        let copy = part.bytes().is_some_and(|bytes| bytes.len() <= COPY_UP_TO_BYTES);
        split.insert(TensorName::clone(name), if copy { part.detached() } else { part })?;
    }
    Ok(split)
}

/// A request's part of an output, as large along padded dimensions as the request is.
fn unpad(layout: &Layout, name: &str, part: Tensor, inputs: &NamedTensors) -> Result<Tensor> {
    let Some(spec) = layout.signature.output(name) else {
        return Ok(part);
    };
    let mut shape = Shape::from_slice(part.shape());
    for padding in &layout.padding {
        let Some(size) = layout.size(padding, inputs) else {
            continue;
        };
        for axis in padding.axes_of(spec) {
            if Some(shape[axis]) != padding.rounding.round(size) {
                let feature = format!(
                    "output `{name}` with {} along `{}` for {size} of input: it does not keep the \
                     size it was padded to",
                    shape[axis], padding.dimension
                );
                return Err(Error::unsupported("padding", feature));
            }
            shape[axis] = size;
        }
    }
    if shape[..] == *part.shape() {
        return Ok(part);
    }
    if let Some(strings) = part.strings() {
        let mut kept = Vec::new();
        cut(strings, part.shape(), &shape, 1, &mut |piece| kept.extend_from_slice(piece));
        return Tensor::from_strings(&shape, kept);
    }
    let width = part.data_type().size_bytes().unwrap_or(1);
    let mut kept = Vec::with_capacity(shape.iter().product::<usize>() * width);
    let bytes = part.bytes().map_or(&[][..], |bytes| bytes);
    cut(bytes, part.shape(), &shape, width, &mut |piece| kept.extend_from_slice(piece));
    Tensor::from_bytes(part.data_type(), &shape, kept.into())
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;

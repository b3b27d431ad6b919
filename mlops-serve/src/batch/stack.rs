//! Rows of several requests as one tensor, and back.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mlops_core::{
    Error, Result,
    signature::ModelSignature,
    tensor::{DataType, NamedTensors, Tensor, TensorName},
};
use smallvec::SmallVec;

/// Rows up to this size are copied out of a batch; larger ones share it. A copy costs less than the
/// book-keeping of a share, and a slow reader of a small row must not keep a large batch alive.
const COPY_UP_TO_BYTES: usize = 256;

/// Stacks inputs, in memory that it uses again from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Stacker {
    /// One for each input. A buffer is free again once the batch it held is gone.
    buffers: Vec<BytesMut>,
}

impl Stacker {
    /// The inputs of all requests, stacked along axis 0 in their order.
    pub(super) fn stack<'a>(
        &mut self,
        signature: &ModelSignature,
        requests: &(impl Iterator<Item = &'a NamedTensors> + Clone),
    ) -> Result<NamedTensors> {
        self.buffers.resize_with(signature.inputs.len(), BytesMut::new);
        let mut stacked = NamedTensors::new();
        for (spec, buffer) in signature.inputs.iter().zip(&mut self.buffers) {
            let parts = requests
                .clone()
                .map(|inputs| inputs.require(&spec.name))
                .collect::<Result<SmallVec<[&Tensor; 64]>>>()?;
            stacked.insert(Arc::clone(&spec.name), stack(spec.data_type, &parts, buffer)?)?;
        }
        Ok(stacked)
    }
}

fn stack(data_type: DataType, parts: &[&Tensor], buffer: &mut BytesMut) -> Result<Tensor> {
    let mut shape: SmallVec<[usize; 4]> =
        parts.first().map_or_else(SmallVec::new, |part| SmallVec::from_slice(part.shape()));
    if let Some(rows) = shape.first_mut() {
        *rows = parts.iter().filter_map(|part| part.row_count()).sum();
    }
    if data_type == DataType::Bytes {
        let strings: Vec<Bytes> =
            parts.iter().filter_map(|part| part.strings()).flatten().cloned().collect();
        return Tensor::from_strings(&shape, strings);
    }
    buffer.reserve(parts.iter().map(|part| part.size_bytes()).sum());
    for bytes in parts.iter().filter_map(|part| part.bytes()) {
        buffer.extend_from_slice(bytes);
    }
    Tensor::from_bytes(data_type, &shape, buffer.split().freeze())
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

/// The rows from `start` on that belong to one request.
pub(super) fn split_rows(
    outputs: &NamedTensors,
    start: usize,
    rows: usize,
) -> Result<NamedTensors> {
    let mut split = NamedTensors::new();
    for (name, tensor) in outputs {
        let part = tensor.rows(start..start + rows)?;
        let copy = part.bytes().is_some_and(|bytes| bytes.len() <= COPY_UP_TO_BYTES);
        split.insert(TensorName::clone(name), if copy { part.detached() } else { part })?;
    }
    Ok(split)
}

#[cfg(test)]
mod tests {
    use mlops_core::signature::{Dim, TensorSpec};
    use ndarray::{Array2, Axis};
    use proptest::prelude::*;

    use super::*;

    fn signature(width: usize) -> ModelSignature {
        let batch = || Dim::Symbolic("batch".into());
        ModelSignature {
            inputs: vec![
                TensorSpec::new("numbers", DataType::F32, [batch(), Dim::Fixed(width)]),
                TensorSpec::new("words", DataType::Bytes, [batch()]),
            ],
            outputs: vec![TensorSpec::new("y", DataType::F32, [batch()])],
        }
    }

    fn request(rows: usize, width: usize, first: usize) -> NamedTensors {
        let numbers = Array2::from_shape_fn((rows, width), |(i, j)| (first + i * width + j) as f32);
        let words = (0..rows).map(|row| Bytes::from(format!("{}", first + row))).collect();
        let mut inputs = NamedTensors::single("numbers", Tensor::from_array(numbers));
        inputs.insert("words", Tensor::from_strings(&[rows], words).unwrap()).unwrap();
        inputs
    }

    proptest! {
        #[test]
        fn splitting_gives_back_what_was_stacked(rows in prop::collection::vec(0_usize..5, 1..9), width in 0_usize..100) {
            let requests: Vec<_> =
                rows.iter().enumerate().map(|(n, rows)| request(*rows, width, n * 1000)).collect();
            let mut stacker = Stacker::default();
            // Twice: the second time in memory that was used before.
            for _ in 0..2 {
                let stacked = stacker.stack(&signature(width), &requests.iter()).unwrap();
                let total = rows.iter().sum();
                check_rows(&stacked, total).unwrap();
                prop_assert!(check_rows(&stacked, total + 1).is_err());
                let views: Vec<_> = requests
                    .iter()
                    .map(|inputs| inputs.get("numbers").unwrap().view::<f32>().unwrap())
                    .collect();
                let expected = ndarray::concatenate(Axis(0), &views).unwrap();
                let numbers = stacked.get("numbers").unwrap();
                prop_assert_eq!(numbers.view::<f32>().unwrap(), expected);
                let mut start = 0;
                for (inputs, rows) in requests.iter().zip(&rows) {
                    prop_assert_eq!(&split_rows(&stacked, start, *rows).unwrap(), inputs);
                    start += rows;
                }
            }
        }
    }

    #[test]
    fn small_rows_are_copied_and_large_ones_shared() {
        let batch = |width: usize| {
            NamedTensors::single("y", Tensor::from_array(Array2::<u8>::zeros((4, width))))
        };
        let address = |tensors: &NamedTensors, offset: usize| {
            tensors.get("y").unwrap().bytes().unwrap()[offset..].as_ptr()
        };
        let (small, large) = (batch(256), batch(257));
        assert_ne!(address(&split_rows(&small, 1, 1).unwrap(), 0), address(&small, 256));
        assert_eq!(address(&split_rows(&large, 1, 1).unwrap(), 0), address(&large, 257));
    }

    #[test]
    fn memory_is_used_again_once_a_batch_is_gone() {
        let requests: Vec<_> = (0..4).map(|n| request(2, 8, n)).collect();
        let signature = signature(8);
        let mut stacker = Stacker::default();
        let address =
            |stacked: &NamedTensors| stacked.get("numbers").unwrap().bytes().unwrap().as_ptr();
        let first = stacker.stack(&signature, &requests.iter()).unwrap();
        let held = address(&first);
        // Still held: another place. Gone: the same again.
        assert_ne!(address(&stacker.stack(&signature, &requests.iter()).unwrap()), held);
        drop(first);
        let places: Vec<_> = (0..4)
            .map(|_| address(&stacker.stack(&signature, &requests.iter()).unwrap()))
            .collect();
        assert!(places.windows(2).any(|pair| pair[0] == pair[1]), "{places:?}");
    }
}

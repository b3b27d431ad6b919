//! Requests that are larger than a batch, in parts.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Timings},
    tensor::{DataType, NamedTensors, Tensor},
};

/// Requests of up to `max_rows` rows that make up this one; `None` if it is no larger.
///
/// # Errors
/// [`Error::TooLarge`] for more rows than the model's descriptor allows; that of an invalid request.
pub(super) fn split(
    request: &InferenceRequest,
    descriptor: &ModelDescriptor,
    max_rows: usize,
) -> Result<Option<Vec<InferenceRequest>>> {
    let rows = request.inputs.iter().filter_map(|(_, tensor)| tensor.row_count()).max();
    let (Some(limit), Some(rows)) = (descriptor.max_batch_size, rows) else {
        return Ok(None);
    };
    if rows <= max_rows {
        return Ok(None);
    }
    descriptor.signature.validate_inputs(&request.inputs)?;
    if rows > limit {
        let (actual, limit) = (rows as u64, limit as u64);
        return Err(Error::TooLarge { what: "batch (rows)", actual, limit });
    }
    let part = |start: usize| {
        let mut inputs = NamedTensors::new();
        for (name, tensor) in &request.inputs {
            let count = tensor.row_count().unwrap_or(0);
            if count != rows {
                let expected = format!("{rows} rows along axis 0 like the others");
                return Err(Error::invalid_tensor(Arc::clone(name), expected, count));
            }
            inputs.insert(Arc::clone(name), tensor.rows(start..rows.min(start + max_rows))?)?;
        }
        let mut part = InferenceRequest::new(inputs);
        part.deadline = request.deadline;
        part.context.clone_from(&request.context);
        Ok(part)
    };
    (0..rows).step_by(max_rows).map(part).collect::<Result<_>>().map(Some)
}

/// The answer to a request from the answers to its parts, in order.
pub(super) fn join(parts: &[InferenceResponse]) -> Result<InferenceResponse> {
    let mut outputs = NamedTensors::new();
    let Some(first) = parts.first() else {
        return Err(Error::invalid("request", "it has no parts"));
    };
    for (name, tensor) in &first.outputs {
        let tensors = parts.iter().map(|part| part.outputs.require(name));
        let tensors = tensors.collect::<Result<Vec<_>>>()?;
        outputs.insert(Arc::clone(name), join_rows(tensor, &tensors)?)?;
    }
    let mut timings = Timings::default();
    for part in parts {
        let Timings { queue, batching, inference, splitting, rows, batch_rows, .. } = part.timings;
        // They wait side by side; their runs take what they take.
        timings.queue = timings.queue.max(queue);
        timings.batching += batching;
        timings.inference += inference;
        timings.splitting += splitting;
        timings.rows += rows;
        timings.batch_rows = timings.batch_rows.max(batch_rows);
    }
    Ok(InferenceResponse::new(outputs, Arc::clone(&first.served_by)).with_timings(timings))
}

fn join_rows(first: &Tensor, parts: &[&Tensor]) -> Result<Tensor> {
    let mut shape = first.shape().to_vec();
    if let Some(rows) = shape.first_mut() {
        *rows = parts.iter().filter_map(|part| part.row_count()).sum();
    }
    if first.data_type() == DataType::Bytes {
        let strings = parts.iter().filter_map(|part| part.strings()).flatten().cloned();
        return Tensor::from_strings(&shape, strings.collect::<Vec<Bytes>>());
    }
    let mut bytes = BytesMut::with_capacity(parts.iter().map(|part| part.size_bytes()).sum());
    parts.iter().filter_map(|part| part.bytes()).for_each(|part| bytes.extend_from_slice(part));
    Tensor::from_bytes(first.data_type(), &shape, bytes.freeze())
}

//! A request in the queue.

use std::{sync::Arc, time::Instant};

use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, RequestContext},
    tensor::{NamedTensors, TensorName},
};
use tokio::sync::oneshot;

use super::leader::Leadership;

/// A valid request, and where its answer goes.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) inputs: NamedTensors,
    /// Rows along axis 0; 1 if the model is not batched.
    pub(super) rows: usize,
    pub(super) size_bytes: usize,
    pub(super) queued: Instant,
    pub(super) deadline: Option<Instant>,
    context: Option<Arc<RequestContext>>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What a waiting caller is told.
#[derive(Debug)]
pub(super) enum Reply {
    /// The answer.
    Done(Result<InferenceResponse>),
    /// A session is free: run it yourself, your own request first.
    Lead(Leadership),
}

impl Item {
    /// Checks a request against the model; nothing invalid gets any further.
    pub(super) fn admit(
        request: InferenceRequest,
        descriptor: &ModelDescriptor,
        now: Instant,
        reply: oneshot::Sender<Reply>,
    ) -> Result<Self> {
        let InferenceRequest { inputs, deadline, context, .. } = request;
        let signature = &descriptor.signature;
        signature.validate_inputs(&inputs)?;
        let requested = context.as_ref().and_then(|context| context.requested_outputs.as_deref());
        if let Some(requested) = requested {
            signature.validate_requested(requested)?;
        }
        let rows = match descriptor.max_batch_size {
            None => 1,
            Some(limit) => batch_rows(&inputs, limit)?,
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::DeadlineExceeded { elapsed: std::time::Duration::ZERO });
        }
        let size_bytes = inputs.size_bytes();
        Ok(Self { inputs, rows, size_bytes, queued: now, deadline, context, reply })
    }

    pub(super) fn requested_outputs(&self) -> Option<&[TensorName]> {
        self.context.as_ref()?.requested_outputs.as_deref()
    }

    /// True if both can be rows of one batch: the same shapes but for axis 0, the same outputs.
    pub(super) fn stacks_with(&self, other: &Self) -> bool {
        self.requested_outputs() == other.requested_outputs()
            && self.inputs.iter().all(|(name, tensor)| {
                let other = other.inputs.get(name).map(|other| other.shape().get(1..));
                other == Some(tensor.shape().get(1..))
            })
    }

    /// True if nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// Answers the caller, if it is still there.
    pub(super) fn answer(self, result: Result<InferenceResponse>) {
        // A caller that has gone needs no answer.
        drop(self.reply.send(Reply::Done(result)));
    }
}

/// The answer never came: an observer panicked while the batch was under way.
#[cold]
pub(super) fn lost() -> Error {
    Error::backend("batcher", "the answer was lost to a panic in an observer")
}

/// The size of axis 0 of every input.
fn batch_rows(inputs: &NamedTensors, limit: usize) -> Result<usize> {
    let mut rows = None;
    for (name, tensor) in inputs {
        let count = tensor.row_count().unwrap_or(1);
        let expected = *rows.get_or_insert(count);
        if count != expected {
            return Err(Error::invalid_tensor(
                Arc::clone(name),
                format_args!("{expected} rows along axis 0 like the inputs before it"),
                count,
            ));
        }
    }
    let rows = rows.unwrap_or(0);
    if rows > limit {
        return Err(Error::TooLarge {
            what: "batch (rows)",
            actual: rows as u64,
            limit: limit as u64,
        });
    }
    Ok(rows)
}

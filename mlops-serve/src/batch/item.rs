//! A request in the queue.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, RequestContext},
    tensor::{NamedTensors, TensorName},
};

use super::{
    bucket::{BucketKey, BucketRule},
    demand::{Demand, Waits},
    leader::Leadership,
    options::PriorityOptions,
    slot::Responder,
};

/// A valid request, and where its answer goes.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) inputs: NamedTensors,
    pub(super) demand: Demand,
    key: BucketKey,
    context: Option<Arc<RequestContext>>,
    pub(super) responder: Responder<Reply>,
}

/// What a waiting caller is told.
#[derive(Debug)]
pub(super) enum Reply {
    /// The answer.
    Done(Result<InferenceResponse>),
    /// A session is free: run it yourself, your own request first.
    Lead(Leadership),
}

/// What requests are checked against and scheduled by.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) rule: BucketRule,
    pub(super) priority: PriorityOptions,
    /// Rows that a batch may have.
    pub(super) max_rows: usize,
    /// What a batch may cost.
    pub(super) max_cost: usize,
}

impl Admission {
    /// What a run of these inputs costs.
    pub(super) fn cost(&self, inputs: &NamedTensors) -> usize {
        let rows = inputs.iter().next().and_then(|(_, tensor)| tensor.row_count()).unwrap_or(1);
        let row_cost = self.rule.key(inputs, None).map_or(1, |key| self.rule.row_cost(&key));
        rows.saturating_mul(row_cost)
    }
}

impl Item {
    /// Checks a request against the model; nothing invalid gets any further.
    pub(super) fn admit(
        request: InferenceRequest,
        descriptor: &ModelDescriptor,
        admission: &Admission,
        arrived: Instant,
        responder: Responder<Reply>,
    ) -> Result<Box<Self>> {
        let InferenceRequest { inputs, deadline, context, .. } = request;
        let signature = &descriptor.signature;
        signature.validate_inputs(&inputs)?;
        let requested = context.as_ref().and_then(|context| context.requested_outputs.as_deref());
        if let Some(requested) = requested {
            signature.validate_requested(requested)?;
        }
        let rows = match descriptor.max_batch_size {
            None => 1,
            Some(_) => batch_rows(&inputs, admission.max_rows)?,
        };
        if deadline.is_some_and(|deadline| deadline <= arrived) {
            return Err(Error::DeadlineExceeded { elapsed: Duration::ZERO });
        }
        let key = admission.rule.key(&inputs, context.as_deref())?;
        let cost = rows.saturating_mul(admission.rule.row_cost(&key));
        if cost > admission.max_cost {
            return Err(Error::TooLarge {
                what: "request (cost: rows by free sizes)",
                actual: cost as u64,
                limit: admission.max_cost as u64,
            });
        }
        let priority = context.as_ref().map_or(0, |context| context.priority);
        let due = admission.priority.due(arrived, priority, deadline);
        let size_bytes = inputs.size_bytes();
        let demand = Demand { rows, cost, size_bytes, arrived, due, deadline };
        Ok(Box::new(Self { inputs, demand, key, context, responder }))
    }

    pub(super) fn requested_outputs(&self) -> Option<&[TensorName]> {
        self.context.as_ref()?.requested_outputs.as_deref()
    }

    /// True if nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.responder.is_closed()
    }

    /// Tells the caller that its deadline has passed.
    pub(super) fn answer_late(self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.demand.arrived);
        self.answer(Err(Error::DeadlineExceeded { elapsed }));
    }

    /// Answers the caller, if it is still there.
    pub(super) fn answer(self, result: Result<InferenceResponse>) {
        // A caller that has gone needs no answer.
        drop(self.responder.send(Reply::Done(result)));
    }
}

impl Waits for Box<Item> {
    fn demand(&self) -> &Demand {
        &self.demand
    }

    fn key(&self) -> &BucketKey {
        &self.key
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

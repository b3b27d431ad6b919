//! [`InferenceRequest`].

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use serde::{Deserialize, Serialize};

use crate::tensor::{NamedTensors, TensorName};

/// A call to a model. Cancel it by dropping the future that answers it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InferenceRequest {
    /// The model's inputs.
    pub inputs: NamedTensors,
    /// When the answer is no longer of use; `None` waits for as long as it takes.
    pub deadline: Option<Instant>,
    /// What else the caller said. Behind a pointer, so that a plain call stays small on its way
    /// through layers of [`Predict`](crate::inference::Predict), and shared, so that observers can
    /// keep it.
    pub context: Option<Arc<RequestContext>>,
}

/// The uncommon parts of an [`InferenceRequest`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RequestContext {
    /// The caller's name for this request, given back with the answer; late labels refer to it.
    pub id: Option<Arc<str>>,
    /// 0: the model's default; 1: the most urgent; larger is less urgent (as in Triton).
    pub priority: u32,
    /// What routing sticks to, for instance a user or session.
    pub routing_key: Option<Arc<str>>,
    /// The outputs to compute, in this order; `None` for all.
    pub requested_outputs: Option<Vec<TensorName>>,
    /// Anything else, as the protocol carried it.
    pub parameters: BTreeMap<String, Parameter>,
    /// W3C Trace Context `traceparent` of the caller's span.
    pub trace_parent: Option<Arc<str>>,
}

/// A value of a request parameter (Open Inference Protocol, `$parameters`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Parameter {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(String),
}

impl InferenceRequest {
    /// A request for all outputs, without a deadline.
    #[must_use]
    pub fn new(inputs: NamedTensors) -> Self {
        Self { inputs, deadline: None, context: None }
    }

    /// Sets when the answer is no longer of use.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the uncommon parts.
    #[must_use]
    pub fn with_context(mut self, context: RequestContext) -> Self {
        self.context = Some(Arc::new(context));
        self
    }

    /// Asks for these outputs only, in this order.
    #[must_use]
    pub fn with_requested_outputs(
        mut self,
        outputs: impl IntoIterator<Item = impl Into<TensorName>>,
    ) -> Self {
        let context = Arc::make_mut(self.context.get_or_insert_default());
        context.requested_outputs = Some(outputs.into_iter().map(Into::into).collect());
        self
    }

    /// The outputs to compute; `None` for all.
    #[must_use]
    pub fn requested_outputs(&self) -> Option<&[TensorName]> {
        self.context.as_ref()?.requested_outputs.as_deref()
    }
}

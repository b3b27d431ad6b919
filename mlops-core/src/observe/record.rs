//! [`PredictionRecord`].

use std::{sync::Arc, time::Duration};

use crate::{
    Error,
    inference::{InferenceResponse, RequestContext},
    model::ModelId,
    tensor::NamedTensors,
    timestamp::Timestamp,
};

/// One prediction, as an observer sees it: borrowed, gone when `observe` returns.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PredictionRecord<'a> {
    /// The model that was asked. [`InferenceResponse::served_by`] says which one answered, where a
    /// router chose.
    pub model: &'a Arc<ModelId>,
    /// What the caller said besides its inputs.
    pub context: Option<&'a RequestContext>,
    /// The inputs, if some observer asked for tensors.
    pub inputs: Option<&'a NamedTensors>,
    /// The answer. A caller that went away before it is recorded as [`Error::Cancelled`].
    pub result: Result<&'a InferenceResponse, &'a Error>,
    /// From the request's arrival to its answer.
    pub elapsed: Duration,
    /// When it was answered.
    pub at: Timestamp,
}

impl<'a> PredictionRecord<'a> {
    /// A prediction, without its inputs and context: for whoever serves a model without
    /// [`Observed`](crate::observe::Observed).
    #[must_use]
    pub fn new(
        model: &'a Arc<ModelId>,
        result: Result<&'a InferenceResponse, &'a Error>,
        elapsed: Duration,
        at: Timestamp,
    ) -> Self {
        Self { model, context: None, inputs: None, result, elapsed, at }
    }

    /// With its inputs.
    #[must_use]
    pub fn with_inputs(mut self, inputs: &'a NamedTensors) -> Self {
        self.inputs = Some(inputs);
        self
    }

    /// With what the caller said besides them.
    #[must_use]
    pub fn with_context(mut self, context: &'a RequestContext) -> Self {
        self.context = Some(context);
        self
    }
}

//! [`InferenceResponse`].

use std::{sync::Arc, time::Duration};

use crate::{model::ModelId, tensor::NamedTensors};

/// A model's answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InferenceResponse {
    /// The model's outputs: all of them, or those the request asked for, in its order.
    pub outputs: NamedTensors,
    /// Which version of which model answered.
    pub served_by: Arc<ModelId>,
    /// Which arm of an experiment or rollout it was, if a router chose.
    pub variant: Option<Arc<str>>,
    /// Where the time went.
    pub timings: Timings,
}

impl InferenceResponse {
    /// An answer without a variant and without timings.
    #[must_use]
    pub fn new(outputs: NamedTensors, served_by: Arc<ModelId>) -> Self {
        Self { outputs, served_by, variant: None, timings: Timings::default() }
    }

    /// Says where the time went.
    #[must_use]
    pub fn with_timings(mut self, timings: Timings) -> Self {
        self.timings = timings;
        self
    }
}

/// Where a request's time went, by phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// From being accepted until an instance took it.
    pub queue: Duration,
    /// Stacking the batch it was in.
    pub batching: Duration,
    /// The run of the batch it was in.
    pub inference: Duration,
    /// Splitting the outputs of the batch it was in.
    pub splitting: Duration,
    /// Rows of the request itself; 1 if the model has no batch axis.
    pub rows: usize,
    /// Rows of the batch it was in, its own included.
    pub batch_rows: usize,
}

//! [`InlineTransform`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict, Timings},
    model::ModelId,
};

use super::transform::{PLATFORM, Transform};

/// A [`Transform`] that runs on the thread that polls the caller's future.
///
/// Nothing else runs on that thread meanwhile: for functions of microseconds.
#[derive(Debug)]
pub struct InlineTransform {
    descriptor: ModelDescriptor,
    transform: Transform,
}

impl InlineTransform {
    pub(super) fn new(id: ModelId, transform: Transform) -> Self {
        let signature = Arc::clone(transform.signature());
        let batchable = signature.is_batchable();
        let mut descriptor = ModelDescriptor::new(Arc::new(id), signature, PLATFORM);
        if batchable {
            // It has no limit of its own.
            descriptor = descriptor.with_max_batch_size(usize::MAX);
        }
        Self { descriptor, transform }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Predict for InlineTransform {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let started = Instant::now();
        if request.deadline.is_some_and(|deadline| deadline <= started) {
            return Err(Error::DeadlineExceeded { elapsed: Duration::ZERO });
        }
        let outputs = self.transform.run(&request.inputs, request.requested_outputs())?;
        let mut timings = Timings::default();
        timings.inference = started.elapsed();
        timings.rows = self.descriptor.max_batch_size.map_or(1, |_| row_count(&request));
        timings.batch_rows = timings.rows;
        let id = Arc::clone(&self.descriptor.id);
        Ok(InferenceResponse::new(outputs, id).with_timings(timings))
    }
}

fn row_count(request: &InferenceRequest) -> usize {
    request.inputs.iter().next().and_then(|(_, tensor)| tensor.row_count()).unwrap_or(1)
}

impl fmt::Display for InlineTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transform({})", self.descriptor.id)
    }
}

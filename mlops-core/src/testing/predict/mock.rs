//! A model without a session.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    tensor::NamedTensors,
};

type Answer = dyn Fn(&InferenceRequest) -> Result<NamedTensors> + Send + Sync;

/// A [`Predict`] that answers valid requests with a closure.
pub struct MockPredict {
    descriptor: ModelDescriptor,
    answer: Box<Answer>,
}

impl MockPredict {
    /// Computes all outputs of the signature from a valid request with `answer`.
    pub fn new(
        descriptor: ModelDescriptor,
        answer: impl Fn(&InferenceRequest) -> Result<NamedTensors> + Send + Sync + 'static,
    ) -> Self {
        Self { descriptor, answer: Box::new(answer) }
    }
}

impl fmt::Debug for MockPredict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockPredict").field("descriptor", &self.descriptor).finish_non_exhaustive()
    }
}

impl fmt::Display for MockPredict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MockPredict({})", self.descriptor.id)
    }
}

#[async_trait]
impl Predict for MockPredict {
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let signature = &self.descriptor.signature;
        signature.validate_inputs(&request.inputs)?;
        let requested = request.requested_outputs();
        if let Some(requested) = requested {
            signature.validate_requested(requested)?;
        }
        if request.deadline.is_some_and(|deadline| deadline <= std::time::Instant::now()) {
            return Err(Error::DeadlineExceeded { elapsed: std::time::Duration::ZERO });
        }
        let all = (self.answer)(&request)?;
        let outputs = match requested {
            None => all,
            Some(requested) => {
                let mut outputs = NamedTensors::new();
                for name in requested {
                    outputs.insert(Arc::clone(name), all.require(name)?.clone())?;
                }
                outputs
            }
        };
        Ok(InferenceResponse::new(outputs, Arc::clone(&self.descriptor.id)))
    }
}

//! [`Observed`].

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;

use crate::{
    Error, Result,
    clock::Clock,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict, RequestContext},
    observe::{Interest, PredictionObserver, PredictionRecord},
    tensor::NamedTensors,
};

/// A [`Predict`] that shows each of its predictions to observers.
#[derive(Debug)]
pub struct Observed {
    inner: Arc<dyn Predict>,
    observers: Arc<[Arc<dyn PredictionObserver>]>,
    interest: Interest,
    clock: Arc<dyn Clock>,
}

impl Observed {
    /// Wraps `inner`; without observers there is nothing to wrap and `inner` comes back.
    #[must_use]
    pub fn wrap(
        inner: Arc<dyn Predict>,
        observers: Vec<Arc<dyn PredictionObserver>>,
        clock: Arc<dyn Clock>,
    ) -> Arc<dyn Predict> {
        let Some(interest) = observers.iter().map(|observer| observer.interest()).max() else {
            return inner;
        };
        Arc::new(Self { inner, observers: observers.into(), interest, clock })
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observed({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Predict for Observed {
    fn descriptor(&self) -> &ModelDescriptor {
        self.inner.descriptor()
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let mut watch = Watch {
            observed: self,
            started: self.clock.monotonic(),
            context: request.context.clone(),
            inputs: (self.interest == Interest::Tensors).then(|| request.inputs.clone()),
            answered: false,
        };
        let result = self.inner.predict(request).await;
        watch.answered = true;
        watch.tell(result.as_ref());
        result
    }
}

/// Sees to it that a prediction is told of even if its future is dropped.
struct Watch<'a> {
    observed: &'a Observed,
    started: Instant,
    context: Option<Arc<RequestContext>>,
    inputs: Option<NamedTensors>,
    answered: bool,
}

impl Watch<'_> {
    fn tell(&self, result: Result<&InferenceResponse, &Error>) {
        let clock = &self.observed.clock;
        let record = PredictionRecord {
            model: &self.observed.inner.descriptor().id,
            context: self.context.as_deref(),
            inputs: self.inputs.as_ref(),
            result,
            elapsed: clock.monotonic().saturating_duration_since(self.started),
            at: clock.wall(),
        };
        for observer in &*self.observed.observers {
            observer.observe(&record);
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.tell(Err(&Error::Cancelled));
        }
    }
}

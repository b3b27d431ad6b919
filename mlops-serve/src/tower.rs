//! Models as [`tower_service::Service`]s and back, so that timeouts, limits, retries and load
//! shedding are tower's layers instead of another kind of layer here.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use mlops_core::inference::Predict;
//! use mlops_serve::tower::{PredictService, ServicePredict};
//! use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer};
//!
//! /// At most eight requests at once; more wait.
//! fn limited(model: Arc<dyn Predict>) -> Arc<dyn Predict> {
//!     let service = ServiceBuilder::new()
//!         .layer(ConcurrencyLimitLayer::new(8))
//!         .service(PredictService::new(Arc::clone(&model)));
//!     Arc::new(ServicePredict::new(service, model.descriptor().clone()))
//! }
//! ```

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
};
use tower_service::Service;

/// A model as a service. Always ready: a model says by `Overloaded` that it is not.
#[derive(Debug, Clone)]
pub struct PredictService(Arc<dyn Predict>);

impl PredictService {
    /// The service of this model.
    #[must_use]
    pub fn new(model: Arc<dyn Predict>) -> Self {
        Self(model)
    }
}

impl Service<InferenceRequest> for PredictService {
    type Response = InferenceResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<InferenceResponse>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: InferenceRequest) -> Self::Future {
        let model = Arc::clone(&self.0);
        Box::pin(async move { model.predict(request).await })
    }
}

/// A service as a model.
///
/// Errors of the model below come through as they are; those of layers (tower boxes them) become
/// [`Error::Backend`] with the layer's error as their source.
#[derive(Clone)]
pub struct ServicePredict<S> {
    service: S,
    descriptor: ModelDescriptor,
}

impl<S> ServicePredict<S> {
    /// The model that answers by calling clones of this service.
    #[must_use]
    pub fn new(service: S, descriptor: ModelDescriptor) -> Self {
        Self { service, descriptor }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S> Predict for ServicePredict<S>
where
    S: Service<InferenceRequest, Response = InferenceResponse> + Clone + Send + Sync + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
{
    fn descriptor(&self) -> &ModelDescriptor {
        &self.descriptor
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        // A clone of its own: what it reserves when it becomes ready is used by this very call.
        let mut service = self.service.clone();
        poll_fn(|context| service.poll_ready(context)).await.map_err(unbox)?;
        service.call(request).await.map_err(unbox)
    }
}

fn unbox(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(error) => *error,
        Err(layer) => Error::backend("tower layer", layer),
    }
}

impl<S> fmt::Display for ServicePredict<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({})", self.descriptor.id)
    }
}

impl<S> fmt::Debug for ServicePredict<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServicePredict")
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}

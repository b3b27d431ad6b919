//! [`Predict`]: anything that answers inference requests.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Display},
    pin::Pin,
    sync::Arc,
};

use async_trait::async_trait;

use crate::{
    Result,
    inference::{InferenceRequest, InferenceResponse},
    model::ModelId,
    signature::ModelSignature,
    tensor::TensorName,
};

/// A model that answers requests: a batcher, a router over several, a cache, a remote server.
///
/// Layers compose by wrapping; `Display` prints the stack, for instance
/// `Observed(Batcher(digits/1))`. Limits, timeouts, retries and load shedding are tower's business,
/// not another layer here.
///
/// # Contract
/// 1. [`descriptor`](Self::descriptor) MUST be the same for the life of the value.
/// 2. A request that does not fit the signature MUST be refused with
///    [`Error::InvalidTensor`](crate::Error::InvalidTensor) naming the tensor, and MUST NOT reach a
///    session or disturb other requests.
/// 3. An answer MUST hold every output, or those requested in the request's order, with the
///    request's number of rows if the model is batchable.
/// 4. The answer MUST depend on this request only, up to rounding, whatever else runs at once.
/// 5. A deadline that has passed MUST be answered with
///    [`Error::DeadlineExceeded`](crate::Error::DeadlineExceeded).
/// 6. Dropping the future MUST cancel the request and MUST NOT disturb others.
///
/// # Implementing
/// The suite is `testing::predict`. Forward [`Arc`]s and boxes by hand, as here, so that the future
/// is boxed once.
#[async_trait]
pub trait Predict: Debug + Display + Send + Sync + 'static {
    /// What it serves.
    fn descriptor(&self) -> &ModelDescriptor;

    /// Answers one request.
    ///
    /// # Errors
    /// As in the contract; [`Error::Overloaded`](crate::Error::Overloaded) when a queue is full,
    /// [`Error::Closed`](crate::Error::Closed) after shutdown, and what the session returned.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request.
    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse>;
}

/// What a [`Predict`] serves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ModelDescriptor {
    /// Which version of which model.
    pub id: Arc<ModelId>,
    /// What it takes and gives.
    pub signature: Arc<ModelSignature>,
    /// Rows it takes at most in one request; `None` if the model has no batch axis.
    pub max_batch_size: Option<usize>,
    /// The Open Inference Protocol's name of the engine and format.
    pub platform: Arc<str>,
    /// The names of the classes along the last axis of an output, for outputs that have them.
    pub labels: BTreeMap<TensorName, Arc<[Arc<str>]>>,
}

impl ModelDescriptor {
    /// A model without a batch axis.
    #[must_use]
    pub fn new(
        id: Arc<ModelId>,
        signature: Arc<ModelSignature>,
        platform: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            id,
            signature,
            max_batch_size: None,
            platform: platform.into(),
            labels: BTreeMap::new(),
        }
    }

    /// Says that requests hold up to this many rows.
    #[must_use]
    pub fn with_max_batch_size(mut self, max_batch_size: usize) -> Self {
        self.max_batch_size = Some(max_batch_size);
        self
    }

    /// Names the classes along the last axis of an output.
    #[must_use]
    pub fn with_labels(
        mut self,
        output: impl Into<TensorName>,
        labels: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Self {
        self.labels.insert(output.into(), labels.into_iter().map(Into::into).collect());
        self
    }
}

// By hand: `async_trait` would box the boxed future once more.
#[deny(clippy::missing_trait_methods)]
impl<P: Predict + ?Sized> Predict for Arc<P> {
    fn descriptor(&self) -> &ModelDescriptor {
        (**self).descriptor()
    }

    fn predict<'life, 'future>(
        &'life self,
        request: InferenceRequest,
    ) -> Pin<Box<dyn Future<Output = Result<InferenceResponse>> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        (**self).predict(request)
    }
}

const _: Option<&dyn Predict> = None;

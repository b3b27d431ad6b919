//! [`ResponseSink`]: where answers go.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use mlops_core::{
    Result,
    inference::{InferenceRequest, InferenceResponse},
};

/// Where answers go: a queue, a table, a channel of this process.
///
/// # Contract
/// 1. `write` MUST return only when the answer is as safe as it is going to be: the request is
///    acknowledged next.
/// 2. It MUST accept an answer to the same id again. A sink that can tell keeps one of them.
#[async_trait]
pub trait ResponseSink: Debug + Send + Sync + 'static {
    /// Keeps an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`](mlops_core::Error::Unavailable) and
    /// [`Error::Overloaded`](mlops_core::Error::Overloaded) are tried again. If the answer itself cannot be
    /// kept, for instance with [`Error::TooLarge`](mlops_core::Error::TooLarge), its request becomes a dead
    /// letter.
    ///
    /// # Cancel safety
    /// The answer may be kept or not; its request will be delivered again.
    async fn write(&self, answer: Answer<'_>) -> Result<()>;
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: ResponseSink + ?Sized> ResponseSink for Arc<S> {
    async fn write(&self, answer: Answer<'_>) -> Result<()> {
        (**self).write(answer).await
    }
}

/// An answer, and what it is the answer to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Answer<'a> {
    /// What the source calls the request.
    pub id: &'a str,
    /// The request.
    pub request: &'a InferenceRequest,
    /// What the model said.
    pub response: &'a InferenceResponse,
}

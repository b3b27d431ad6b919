//! [`StreamSource`].

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_core::Stream;
use futures_util::StreamExt;
use mlops_core::{Error, Result, inference::InferenceRequest};

use super::source::{Delivery, Receipt, RequestSource};

/// Told of a request that could not be answered: its id, the request, and why.
type DeadLetters = Arc<dyn Fn(&str, InferenceRequest, Error) + Send + Sync>;

/// The requests of a [`Stream`] in this process, called 0, 1, 2, …
///
/// It does not outlast the process. A request that is given back, because the service is gone, goes to
/// the dead letters, with [`Error::Cancelled`] as its error: nothing is dropped without a word.
pub struct StreamSource {
    requests: Pin<Box<dyn Stream<Item = InferenceRequest> + Send>>,
    dead_letters: DeadLetters,
    next: u64,
}

impl StreamSource {
    /// The requests of this stream; `dead_letters` gets those without an answer, at once and on the task
    /// that scores, so it must not block.
    pub fn new(
        requests: impl Stream<Item = InferenceRequest> + Send + 'static,
        dead_letters: impl Fn(&str, InferenceRequest, Error) + Send + Sync + 'static,
    ) -> Self {
        Self { requests: Box::pin(requests), dead_letters: Arc::new(dead_letters), next: 0 }
    }
}

#[async_trait]
impl RequestSource for StreamSource {
    async fn next(&mut self) -> Result<Option<Delivery>> {
        let Some(request) = self.requests.next().await else { return Ok(None) };
        let id: Arc<str> = self.next.to_string().into();
        self.next += 1;
        let receipt = StreamReceipt {
            id: Arc::clone(&id),
            request: request.clone(),
            dead_letters: Arc::clone(&self.dead_letters),
        };
        Ok(Some(Delivery::new(id, Ok(request), Box::new(receipt))))
    }

    /// The rest of the stream is the caller's, who has it no more: nothing was taken ahead.
    async fn close(&mut self) {}
}

struct StreamReceipt {
    id: Arc<str>,
    request: InferenceRequest,
    dead_letters: DeadLetters,
}

#[async_trait]
impl Receipt for StreamReceipt {
    fn patience(&self) -> Option<Duration> {
        None
    }

    async fn extend(&self) -> Result<()> {
        Ok(())
    }

    async fn acknowledge(&self) -> Result<()> {
        Ok(())
    }

    async fn reject(&self, error: &Error) -> Result<()> {
        (self.dead_letters)(&self.id, self.request.clone(), error.clone());
        Ok(())
    }

    async fn release(&self) -> Result<()> {
        self.reject(&Error::Cancelled).await
    }
}

impl fmt::Debug for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSource").field("next", &self.next).finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReceipt").field("id", &self.id).finish_non_exhaustive()
    }
}

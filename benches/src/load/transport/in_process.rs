//! [`InProcess`].

use std::{future::poll_fn, sync::Arc, task::Poll};

use mlops_core::{
    Error,
    inference::{InferenceRequest, Predict},
};

use super::{Connection, Transport};
use crate::{
    Result,
    load::{Corpus, Outcome, Sizes, Ticket},
};

/// Calls a model in this process.
#[derive(Debug, Clone)]
pub struct InProcess {
    model: Arc<dyn Predict>,
    requests: Arc<[InferenceRequest]>,
    sizes: Sizes,
}

impl InProcess {
    /// Sends these requests to this model.
    #[must_use]
    pub fn new(model: Arc<dyn Predict>, corpus: &Corpus) -> Self {
        let requests = corpus.all().cloned().map(InferenceRequest::new).collect();
        Self { model, requests, sizes: corpus.into() }
    }
}

impl Transport for InProcess {
    type Connection = Self;

    fn sizes(&self) -> Sizes {
        self.sizes
    }

    async fn connect(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

impl Connection for InProcess {
    async fn send(&mut self, ticket: Ticket) -> Outcome {
        let mut answer = self.model.predict(self.requests[ticket.request].clone());
        if ticket.leaves {
            // Once, so that the model has the request; then it is dropped.
            return poll_fn(|context| {
                Poll::Ready(match answer.as_mut().poll(context) {
                    Poll::Ready(answer) => outcome(&answer.map(drop)),
                    Poll::Pending => Outcome::Left,
                })
            })
            .await;
        }
        outcome(&answer.await.map(drop))
    }
}

/// By the table at [`Error`], as far as a load test tells errors apart.
fn outcome(answer: &mlops_core::Result<()>) -> Outcome {
    match answer {
        Ok(()) => Outcome::Answered,
        Err(error) if error.is_invalid_request() => Outcome::Refused(400),
        Err(Error::DeadlineExceeded { .. }) => Outcome::Refused(504),
        Err(error) if error.is_retryable() => Outcome::Refused(503),
        Err(_) => Outcome::Refused(500),
    }
}

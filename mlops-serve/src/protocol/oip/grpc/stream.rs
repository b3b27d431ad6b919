//! [`InferStream`]: the answers to a stream of requests.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Instant,
};

use futures_core::Stream;
use mlops_core::Error;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, Streaming};

use super::{
    gate::{Gate, refusal},
    generated::{ModelInferRequest, ModelStreamInferResponse},
    infer::{Call, infer},
    status::status,
};

/// Answers in the order of the requests, a bounded number of which are under way at once. A request
/// that fails is answered with its error, and the stream goes on.
///
/// Each request is a task that the stream owns: a client that does not read its answers must not keep
/// a request from running that others wait for.
#[derive(Debug)]
pub(super) struct InferStream {
    gate: Gate,
    call: Call,
    /// `None` after the last request.
    requests: Option<Streaming<ModelInferRequest>>,
    under_way: VecDeque<AbortOnDropHandle<ModelStreamInferResponse>>,
    limit: usize,
    /// What ended the requests, if it was an error: told after the answers.
    end: Option<Status>,
}

impl InferStream {
    pub(super) fn new(
        gate: Gate,
        call: Call,
        requests: Streaming<ModelInferRequest>,
        limit: usize,
    ) -> Self {
        let (under_way, limit) = (VecDeque::new(), limit.max(1));
        Self { gate, call, requests: Some(requests), under_way, limit, end: None }
    }

    /// Starts requests as they come, until the limit.
    fn read(&mut self, context: &mut Context<'_>) {
        while self.under_way.len() < self.limit {
            let Some(requests) = &mut self.requests else {
                return;
            };
            match pin!(requests).poll_next(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(message))) => {
                    let (gate, call) = (self.gate.clone(), self.call.clone());
                    let task = tokio::spawn(answer(gate, call, message, Instant::now()));
                    self.under_way.push_back(AbortOnDropHandle::new(task));
                }
                Poll::Ready(Some(Err(unread))) => {
                    let error = refusal(&unread, self.gate.max_message_bytes);
                    self.gate.server.recorder.refused(None, &error);
                    (self.requests, self.end) = (None, Some(status(&error)));
                }
                Poll::Ready(None) => self.requests = None,
            }
        }
    }
}

async fn answer(
    gate: Gate,
    call: Call,
    message: ModelInferRequest,
    arrived: Instant,
) -> ModelStreamInferResponse {
    let id = message.id.clone();
    match infer(&gate, &call, message, arrived).await {
        Ok(response) => ModelStreamInferResponse {
            error_message: String::new(),
            infer_response: Some(response),
        },
        Err(error) => failed(&error, id),
    }
}

/// An error, with the name of the request that it is about.
fn failed(error: &Error, id: String) -> ModelStreamInferResponse {
    let infer_response = super::generated::ModelInferResponse { id, ..Default::default() };
    ModelStreamInferResponse { error_message: error.report(), infer_response: Some(infer_response) }
}

impl Stream for InferStream {
    type Item = Result<ModelStreamInferResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.read(context);
        let Some(first) = self.under_way.front_mut() else {
            return match self.end.take() {
                Some(status) => Poll::Ready(Some(Err(status))),
                None if self.requests.is_none() => Poll::Ready(None),
                None => Poll::Pending,
            };
        };
        let Poll::Ready(result) = pin!(first).poll(context) else {
            return Poll::Pending;
        };
        self.under_way.pop_front();
        // There is room for one more now.
        self.read(context);
        Poll::Ready(Some(result.map_err(|error| {
            Status::internal(format!("a request of the stream was not answered: {error}"))
        })))
    }
}

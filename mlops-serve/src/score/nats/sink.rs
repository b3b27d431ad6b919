//! [`NatsSink`].

use std::fmt;

use async_nats::jetstream::{Context, message::PublishMessage};
use async_trait::async_trait;
use bytes::Bytes;
use mlops_core::Result;

use super::error;
use crate::{
    protocol::oip::{headers::JSON_LENGTH, message},
    score::stream::{Answer, ResponseSink},
};

/// Answers as messages of a subject, see [`NatsConnection::sink`](super::NatsConnection::sink).
pub struct NatsSink {
    context: Context,
    subject: String,
}

impl NatsSink {
    pub(super) fn new(context: Context, subject: String) -> Self {
        Self { context, subject }
    }
}

#[async_trait]
impl ResponseSink for NatsSink {
    async fn write(&self, answer: Answer<'_>) -> Result<()> {
        let (body, json_length) = message::encode(answer.request, answer.response)?;
        let mut message = PublishMessage::build();
        if let Some(length) = json_length {
            message = message.header(JSON_LENGTH, length.to_string());
        }
        keep(&self.context, &self.subject, answer.id, message, body).await
    }
}

/// Publishes what has become of the request of this id; returns once a stream has it.
pub(super) async fn keep(
    context: &Context,
    subject: &str,
    id: &str,
    message: PublishMessage,
    body: Bytes,
) -> Result<()> {
    // A stream may take several subjects, and drops a second message of one id.
    let message = message.message_id(format!("{id} {subject}"));
    let size = body.len();
    let limit = context.client().server_info().max_payload;
    let wrong = |error| error::publish(subject, size, limit, &error);
    let acknowledgement = context.send_publish(subject.to_owned(), message.payload(body)).await;
    acknowledgement.map_err(wrong)?.await.map_err(wrong)?;
    Ok(())
}

impl fmt::Debug for NatsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSink").field("subject", &self.subject).finish_non_exhaustive()
    }
}

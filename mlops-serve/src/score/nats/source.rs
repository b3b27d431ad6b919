//! [`NatsSource`].

use std::{fmt, str, sync::Arc, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{
        AckKind, Context, Message,
        consumer::{AckPolicy, PullConsumer, pull},
        context::{ConsumerInfoErrorKind, GetStreamErrorKind},
        message::PublishMessage,
        stream::ConsumerErrorKind,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, ModelDescriptor},
};
use serde::{Deserialize, Serialize};

use super::{
    connection::check_kept,
    error::{backend, server, unavailable},
    sink::keep,
};
use crate::{
    protocol::oip::{
        headers::{ERROR_CODE, JSON_LENGTH},
        message,
    },
    score::stream::{Delivery, Receipt, RequestSource},
};

/// Which messages are the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NatsSourceOptions {
    /// The stream that keeps the requests.
    pub stream: String,
    /// The durable consumer: all processes that share its name share the work.
    pub consumer: String,
    /// The subject dead letters are published to: the message as it came, with the headers `Error-Code`
    /// ([`Error::code`]) and `Error`.
    pub dead_letters: String,
    /// Only messages of this subject; `None` for all of the stream.
    #[serde(default)]
    pub filter: Option<String>,
    /// How long the server waits for an answer before it delivers a request again. Work that takes longer
    /// asks for more time.
    #[serde(default = "default_ack_wait")]
    pub ack_wait: Duration,
    /// Requests asked for ahead of those under way. They wait here, and their time runs.
    #[serde(default = "default_prefetch")]
    pub prefetch: usize,
}

fn default_ack_wait() -> Duration {
    Duration::from_secs(60)
}

fn default_prefetch() -> usize {
    32
}

impl NatsSourceOptions {
    /// All messages of a stream, for a durable consumer of this name; `dead_letters` is a subject.
    pub fn new(
        stream: impl Into<String>,
        consumer: impl Into<String>,
        dead_letters: impl Into<String>,
    ) -> Self {
        Self {
            stream: stream.into(),
            consumer: consumer.into(),
            dead_letters: dead_letters.into(),
            filter: None,
            ack_wait: default_ack_wait(),
            prefetch: default_prefetch(),
        }
    }

    /// Takes only messages of this subject.
    #[must_use]
    pub fn with_filter(mut self, subject: impl Into<String>) -> Self {
        self.filter = Some(subject.into());
        self
    }

    /// Sets how long the server waits before it delivers a request again.
    #[must_use]
    pub fn with_ack_wait(mut self, wait: Duration) -> Self {
        self.ack_wait = wait;
        self
    }

    /// Sets how many requests are asked for ahead.
    #[must_use]
    pub fn with_prefetch(mut self, requests: usize) -> Self {
        self.prefetch = requests;
        self
    }

    fn check(&self) -> Result<()> {
        // The server does not even answer to such a name.
        let reserved = |letter: char| ".*>/\\".contains(letter) || letter.is_whitespace();
        if self.consumer.is_empty() || self.consumer.contains(reserved) {
            let reason = format!("`{}` must have letters and none of `.*>/\\`", self.consumer);
            return Err(Error::invalid("JetStream consumer", reason));
        }
        if self.ack_wait < Duration::from_millis(10) {
            return Err(Error::invalid("ack_wait", "it must be at least 10 ms"));
        }
        if self.prefetch == 0 {
            return Err(Error::invalid("prefetch", "it must be at least 1"));
        }
        Ok(())
    }
}

/// Requests that a consumer delivers, see [`NatsConnection::source`](super::NatsConnection::source).
pub struct NatsSource {
    consumer: PullConsumer,
    name: String,
    prefetch: usize,
    /// Requests that were asked for and may still come; `None` before the first, and after each.
    batch: Option<pull::Batch>,
    /// Whether the last batch brought nothing.
    is_quiet: bool,
    model: ModelDescriptor,
    letters: Arc<Letters>,
}

/// How long the server keeps a batch open that it has no requests for.
const EXPIRES: Duration = Duration::from_secs(10);

/// How long nothing must come for all to have come.
const QUIET: Duration = Duration::from_millis(20);

/// Where dead letters go, and for how long a message is ours.
struct Letters {
    context: Context,
    subject: String,
    ack_wait: Duration,
}

impl NatsSource {
    pub(super) async fn open(
        context: &Context,
        options: &NatsSourceOptions,
        model: &ModelDescriptor,
    ) -> Result<Self> {
        options.check()?;
        let NatsSourceOptions { stream, consumer, dead_letters, filter, ack_wait, prefetch } =
            options;
        let found = context.get_stream(stream).await.map_err(|error| match error.kind() {
            GetStreamErrorKind::JetStream(error) => server("JetStream stream", stream, &error),
            GetStreamErrorKind::Request => unavailable(error),
            _ => Error::invalid("JetStream stream", format_args!("`{stream}`: {error}")),
        })?;
        check_kept(context, dead_letters).await?;
        let config = pull::Config {
            durable_name: Some(consumer.clone()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: *ack_wait,
            // What is delivered too often becomes a dead letter; the server would only stop.
            max_deliver: -1,
            filter_subject: filter.clone().unwrap_or_default(),
            ..pull::Config::default()
        };
        let made = found.get_or_create_consumer(consumer, config).await;
        let consumer: PullConsumer = made.map_err(|error| match error.kind() {
            ConsumerErrorKind::JetStream(error) => server("JetStream consumer", consumer, &error),
            ConsumerErrorKind::TimedOut | ConsumerErrorKind::Request => unavailable(error),
            _ => Error::invalid("JetStream consumer", format_args!("`{consumer}`: {error}")),
        })?;
        // It may have been made by somebody else, with other settings.
        let found = &consumer.cached_info().config;
        let name = consumer.cached_info().name.clone();
        let wrong = |reason: &str| {
            Err(Error::invalid("JetStream consumer", format_args!("`{name}` {reason}")))
        };
        if found.ack_policy != AckPolicy::Explicit {
            return wrong("does not acknowledge each message (`AckExplicit`)");
        }
        if found.max_deliver > 0 {
            return wrong("gives up on messages (`MaxDeliver`): they would be lost");
        }
        if !found.backoff.is_empty() {
            return wrong("has a `BackOff`: how long a message is ours cannot be told");
        }
        let filter = filter.as_deref().unwrap_or_default();
        if found.filter_subject != filter || !found.filter_subjects.is_empty() {
            return wrong("has another filter");
        }
        let letters = Letters {
            context: context.clone(),
            subject: dead_letters.clone(),
            ack_wait: found.ack_wait,
        };
        Ok(Self {
            consumer,
            name,
            prefetch: *prefetch,
            batch: None,
            is_quiet: false,
            model: model.clone(),
            letters: Arc::new(letters),
        })
    }

    /// Says whether the consumer is there, when nothing is heard of it.
    async fn check(&self) -> Result<()> {
        match self.consumer.get_info().await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.kind() {
                ConsumerInfoErrorKind::NotFound | ConsumerInfoErrorKind::StreamNotFound => {
                    Error::not_found("JetStream consumer", &self.name)
                }
                _ => unavailable(error),
            }),
        }
    }
}

#[async_trait]
impl RequestSource for NatsSource {
    async fn next(&mut self) -> Result<Option<Delivery>> {
        let message = loop {
            let batch = match &mut self.batch {
                Some(batch) => batch,
                none => {
                    // Asked for one after the other, so that what is on its way is known when no more is
                    // wanted.
                    let asked = self.consumer.batch().max_messages(self.prefetch);
                    none.insert(asked.expires(EXPIRES).messages().await.map_err(unavailable)?)
                }
            };
            match batch.next().await {
                Some(Ok(message)) => {
                    self.is_quiet = false;
                    break message;
                }
                Some(Err(error)) => {
                    self.batch = None;
                    self.check().await?;
                    return Err(unavailable(error));
                }
                None if self.is_quiet => {
                    self.check().await?;
                    self.batch = None;
                }
                None => {
                    self.batch = None;
                    self.is_quiet = true;
                }
            }
        };
        let (id, attempt) = {
            let info = message.info().map_err(backend)?;
            // Another consumer's answer to the same message is another answer.
            let id = format!("{}/{}/{}", info.stream, info.consumer, info.stream_sequence);
            (id, info.delivered)
        };
        let request = read(&message, &self.model);
        let receipt = NatsReceipt { id: id.clone(), message, letters: Arc::clone(&self.letters) };
        let attempt = u64::try_from(attempt).unwrap_or(1);
        Ok(Some(Delivery::new(id, request, Box::new(receipt)).with_attempt(attempt)))
    }

    async fn close(&mut self) {
        let Some(mut batch) = self.batch.take() else { return };
        // What has been delivered here and not been handed out. Nothing is given back before all has come:
        // it would come back here.
        let mut messages = Vec::new();
        while let Ok(Some(Ok(message))) = tokio::time::timeout(QUIET, batch.next()).await {
            messages.push(message);
        }
        drop(batch);
        for message in messages {
            if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
                tracing::debug!(error, "a request could not be given back");
            }
        }
    }
}

fn read(message: &Message, model: &ModelDescriptor) -> Result<InferenceRequest> {
    let headers = message.headers.as_ref();
    let json_length = headers.and_then(|headers| header(headers, JSON_LENGTH));
    let trace_parent = headers.and_then(|headers| header(headers, "traceparent"));
    message::decode(message.payload.clone(), json_length, trace_parent, model)
}

/// The header of this name, however it is capitalised: as over HTTP.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(other, _)| AsRef::<str>::as_ref(other).eq_ignore_ascii_case(name))
        .and_then(|(_, values)| values.first())
        .map(|value| value.as_str())
}

/// Of an error in a header: it can quote what was sent.
const MAX_ERROR_CHARS: usize = 1024;

struct NatsReceipt {
    id: String,
    message: Message,
    letters: Arc<Letters>,
}

#[async_trait]
impl Receipt for NatsReceipt {
    fn patience(&self) -> Option<Duration> {
        Some(self.letters.ack_wait)
    }

    async fn extend(&self) -> Result<()> {
        self.message.ack_with(AckKind::Progress).await.map_err(unavailable)
    }

    async fn acknowledge(&self) -> Result<()> {
        self.message.double_ack().await.map_err(unavailable)
    }

    async fn reject(&self, error: &Error) -> Result<()> {
        let mut letter = PublishMessage::build();
        // Those that are about the stream it came from would be about the one it goes to.
        let headers = self.message.headers.iter().flat_map(HeaderMap::iter);
        for (name, values) in headers.filter(|(name, _)| !name.to_string().starts_with("Nats-")) {
            for value in values {
                letter = letter.header(name.clone(), value.clone());
            }
        }
        let report: String = error.report().replace(['\r', '\n'], " ");
        let report: String = report.chars().take(MAX_ERROR_CHARS).collect();
        let letter = letter
            .header(ERROR_CODE, error.code())
            .header("Error", report)
            .header("Dead-Letter-Of", &*self.id);
        let Letters { context, subject, .. } = &*self.letters;
        let body = self.message.payload.clone();
        match keep(context, subject, &self.id, letter.clone(), body).await {
            // With what is added it is larger than a message may be: its id says where it is.
            Err(Error::TooLarge { .. }) => {
                keep(context, subject, &self.id, letter, Bytes::new()).await?;
            }
            kept => kept?,
        }
        self.acknowledge().await
    }

    async fn release(&self) -> Result<()> {
        self.message.ack_with(AckKind::Nak(None)).await.map_err(unavailable)?;
        // The process may end next.
        self.letters.context.client().flush().await.map_err(unavailable)
    }
}

impl fmt::Debug for NatsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSource").field("consumer", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for NatsReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsReceipt").field("id", &self.id).finish_non_exhaustive()
    }
}

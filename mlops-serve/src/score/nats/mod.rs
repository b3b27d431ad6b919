//! Requests and answers on [NATS JetStream](https://docs.nats.io/nats-concepts/jetstream).
//!
//! A message is a request of the Open Inference Protocol as over HTTP: JSON, or JSON and binary data
//! behind it with the JSON's length in the header `Inference-Header-Content-Length`. Answers are the same
//! with all outputs as binary data. `tritonclient`'s `generate_request_body` makes such messages and
//! `parse_response_body` reads them.
//!
//! ```no_run
//! use std::sync::Arc;
//! use mlops_core::inference::Predict;
//! use mlops_serve::score::{
//!     nats::{NatsConnection, NatsOptions, NatsSourceOptions},
//!     stream::StreamScoring,
//! };
//!
//! # async fn example(model: Arc<dyn Predict>, stop: impl Future<Output = ()> + Send) -> mlops_core::Result<()> {
//! let nats = NatsConnection::connect(&NatsOptions::new("nats://localhost:4222")).await?;
//! let options = NatsSourceOptions::new("REQUESTS", "digits-scorer", "digits.dead");
//! let source = nats.source(&options, model.descriptor()).await?;
//! let sink = nats.sink("digits.answers").await?;
//! let report = StreamScoring::new(model, source, sink).run(stop).await?;
//! # let _ = report;
//! # Ok(())
//! # }
//! ```
//!
//! # Exactly once, nearly
//! An answer carries the id of its request, `stream/consumer/sequence`, and its subject as `Nats-Msg-Id`:
//! JetStream drops a second one within the duplicate window of the stream that takes the answers (two
//! minutes, unless configured).

mod connection;
mod error;
mod sink;
mod source;

pub use self::{
    connection::{NatsAuth, NatsConnection, NatsOptions},
    sink::NatsSink,
    source::{NatsSource, NatsSourceOptions},
};

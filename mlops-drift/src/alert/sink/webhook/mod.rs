//! [`WebhookSink`]: alerts over HTTP.
//!
//! An alert waits in a bounded `queue` for the `worker`, a thread that writes it in a `format`, posts it with
//! `http` and asks `retry` what to do with the answer.

mod format;
mod http;
mod options;
mod queue;
mod retry;
mod sink;
mod template;
mod worker;

pub use self::{
    format::WebhookFormat,
    options::WebhookOptions,
    sink::{WebhookBuilder, WebhookSink, WebhookStats},
};

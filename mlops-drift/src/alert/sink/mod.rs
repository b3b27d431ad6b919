//! Where alerts go.

mod channel;
mod log;
#[cfg(any(feature = "prometheus", feature = "webhook"))]
mod own_labels;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "prometheus")]
pub use self::prometheus::AlertMetrics;
#[cfg(feature = "webhook")]
pub use self::webhook::{WebhookBuilder, WebhookFormat, WebhookOptions, WebhookSink, WebhookStats};
pub use self::{channel::ChannelSink, log::LogSink};

//! Predictions in bulk: data frames, and requests that come as messages.
//!
//! | | |
//! | --- | --- |
//! | [`stream`] | requests from a [`RequestSource`](stream::RequestSource), answers into a [`ResponseSink`](stream::ResponseSink), at least once each |
//! | `nats` (feature) | such a source and sink on NATS JetStream |
//! | `frame` (feature `polars`) | Parquet, CSV or any lazy frame, larger than memory, into Parquet |
//!
//! All of them ask a [`Predict`](mlops_core::inference::Predict): a batcher, an ensemble, a model on
//! another server. What is not the fault of a row or request is tried again, see [`RetryOptions`]; what
//! is, is kept beside the answers and the rest goes on.

#[cfg(feature = "polars")]
pub mod frame;
#[cfg(feature = "nats")]
pub mod nats;
mod retry;
pub mod stream;

pub use self::retry::RetryOptions;

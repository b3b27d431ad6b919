//! The protocol over REST.

mod body;
mod compression;
mod decode;
mod encode;
mod error;
mod infer;
#[cfg(feature = "nats")]
pub(crate) mod message;
mod models;
mod options;
mod raw;
mod repository;
mod routes;
mod shared_memory;

pub use self::{options::RestOptions, routes::router};

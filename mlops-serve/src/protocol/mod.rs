//! Protocols: how requests come in over a wire.
//!
//! Each is a `Router` that the host merges into its own; [`serve`] runs one on a listener.

#[cfg(feature = "http")]
mod connection;
#[cfg(feature = "http")]
pub mod health;
pub mod oip;
#[cfg(feature = "http")]
mod server;
#[cfg(feature = "http")]
mod socket;

#[cfg(feature = "http")]
pub use axum;

#[cfg(feature = "http")]
pub use self::server::{ServeOptions, serve};

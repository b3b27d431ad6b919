//! Protocols: how requests come in over a wire.
//!
//! Each is a `Router` that the host merges into its own; [`serve`] runs one on a listener.

mod connection;
pub mod health;
pub mod oip;
mod server;

pub use axum;

pub use self::server::{ServeOptions, serve};

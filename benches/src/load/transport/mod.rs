//! How requests get to a model: [`Transport`].

mod http;
mod in_process;
mod wire;

use super::{
    Outcome,
    mix::{Sizes, Ticket},
};
use crate::Result;

pub use self::{
    http::{HttpTransport, get, post},
    in_process::InProcess,
    wire::{HttpRequest, numbers, read_metadata},
};

/// Carries a [`Corpus`](super::Corpus) to a model.
pub trait Transport: Send + Sync + 'static {
    /// What one client sends on.
    type Connection: Connection;

    /// How many requests there are to choose from.
    fn sizes(&self) -> Sizes;

    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection>> + Send;
}

/// What one client sends on: one request at a time.
pub trait Connection: Send + 'static {
    /// Sends a request and waits for what comes of it, or goes away at once if the ticket says so.
    /// A connection that breaks is opened anew by the next request.
    fn send(&mut self, ticket: Ticket) -> impl Future<Output = Outcome> + Send;
}

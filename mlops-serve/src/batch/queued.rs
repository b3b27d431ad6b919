//! A request in the queue, from its caller's side.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{item::Reply, queue::Ticket, shared::Shared, slot::Caller};

/// Waits for what becomes of a queued request: `None` if its answer was lost. Dropped before, it takes
/// the request back out of the queue, inputs and all.
#[derive(Debug)]
pub(super) struct Queued<'a> {
    shared: &'a Shared,
    ticket: Ticket,
    caller: &'a mut Caller<Reply>,
    settled: bool,
}

impl<'a> Queued<'a> {
    pub(super) fn new(shared: &'a Shared, ticket: Ticket, caller: &'a mut Caller<Reply>) -> Self {
        Self { shared, ticket, caller, settled: false }
    }
}

impl Future for Queued<'_> {
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Reply>> {
        let settled = Pin::new(&mut *self.caller).poll(context);
        self.settled = settled.is_ready();
        settled
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.withdraw(self.ticket, self.caller.id());
        }
    }
}

//! What the handle, the workers and the leaders of one batcher share.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use mlops_core::{
    Error,
    clock::{Clock, Signal},
    inference::InferenceRequest,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    demand::Waits,
    item::{Admission, Item, Reply},
    options::OnFull,
    policy::{BatchPolicy, Decision},
    queue::{Queue, QueueLimits, Ticket},
    run::{RunContext, Runner},
    slot::{Caller, Responder},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) context: RunContext,
    pub(super) admission: Admission,
    pub(super) policy: BatchPolicy,
    on_full: OnFull,
    pub(super) state: Mutex<State>,
    /// Told once for every request that leaves the queue, and when a session that callers run gets
    /// free; callers wait on it for room.
    room: Notify,
    /// Told when the last request has been answered after the batcher was closed.
    drained: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) queue: Queue<Box<Item>>,
    pub(super) closed: bool,
    /// Requests taken and not yet answered.
    running: usize,
    /// Signals of workers that wait for work, the one that went to sleep last at the end.
    pub(super) idle_workers: Vec<Arc<Signal>>,
    /// Some idle worker waits with a deadline for the batch to fill.
    pub(super) timer_set: bool,
    /// Free sessions, where callers run them.
    pub(super) free_runners: Vec<Runner>,
    /// Sessions that callers run, free or not.
    runners: usize,
}

/// Requests that run together.
pub(super) type Batch = Vec<Box<Item>>;

/// A batch, and the requests that came too late to be in it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) batch: Batch,
    pub(super) late: Batch,
}

/// A request that found no room, and why.
#[derive(Debug)]
pub(super) struct NoRoom {
    pub(super) item: Box<Item>,
    pub(super) error: Error,
}

impl Shared {
    pub(super) fn new(
        context: RunContext,
        admission: Admission,
        policy: BatchPolicy,
        limits: QueueLimits,
        on_full: OnFull,
        free_runners: Vec<Runner>,
    ) -> Self {
        let state = State {
            queue: Queue::new(limits),
            closed: false,
            running: 0,
            idle_workers: Vec::new(),
            timer_set: false,
            runners: free_runners.len(),
            free_runners,
        };
        Self {
            context,
            admission,
            policy,
            on_full,
            state: Mutex::new(state),
            room: Notify::new(),
            drained: Notify::new(),
        }
    }

    /// Makes a valid request an item.
    pub(super) fn check(
        &self,
        request: InferenceRequest,
        responder: Responder<Reply>,
    ) -> Result<Box<Item>, Error> {
        let now = self.context.clock.monotonic();
        Item::admit(request, &self.context.descriptor, &self.admission, now, responder)
    }

    /// Hands `item` to `admit` until it finds room, waiting in between if the options say so.
    pub(super) async fn admit<T>(
        &self,
        mut item: Box<Item>,
        admit: impl Fn(&mut State, Box<Item>) -> Result<T, Box<Item>>,
    ) -> Result<T, Error> {
        loop {
            let no_room = match self.try_admit(item, &admit) {
                Ok(admitted) => return Ok(admitted),
                Err(no_room) => no_room,
            };
            if !self.may_wait(&no_room.error) {
                return Err(no_room.error);
            }
            // In line for room before looking again: none that is told of now can be missed.
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            match self.try_admit(no_room.item, &admit) {
                Ok(admitted) => return Ok(admitted),
                Err(no_room) if !self.may_wait(&no_room.error) => return Err(no_room.error),
                Err(no_room) => item = no_room.item,
            }
            room.await;
        }
    }

    fn may_wait(&self, error: &Error) -> bool {
        self.on_full == OnFull::Wait && matches!(error, Error::Overloaded { .. })
    }

    fn try_admit<T>(
        &self,
        item: Box<Item>,
        admit: impl Fn(&mut State, Box<Item>) -> Result<T, Box<Item>>,
    ) -> Result<T, NoRoom> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(NoRoom { item, error: Error::Closed { what: "batcher" } });
        }
        admit(&mut state, item).map_err(|item| {
            let error = state.queue.overloaded(item.demand.size_bytes);
            NoRoom { item, error }
        })
    }

    /// Takes a batch off a bucket of the queue.
    pub(super) fn take(&self, state: &mut State, bucket: usize, now: Instant) -> Taken {
        self.take_behind(state, Vec::new(), Some(bucket), now)
    }

    /// Takes a batch that begins with `first`.
    pub(super) fn take_with(&self, state: &mut State, first: Box<Item>, now: Instant) -> Taken {
        let bucket = state.queue.bucket_of(first.key());
        self.take_behind(state, vec![first], bucket, now)
    }

    fn take_behind(
        &self,
        state: &mut State,
        mut batch: Batch,
        bucket: Option<usize>,
        now: Instant,
    ) -> Taken {
        let queued = state.queue.len();
        let max_rows = self.policy.max_batch_size;
        let late = bucket
            .map_or_else(Vec::new, |bucket| state.queue.fill(bucket, &mut batch, now, max_rows));
        for _ in state.queue.len()..queued {
            self.room.notify_one();
        }
        state.running += batch.len();
        Taken { batch, late }
    }

    /// Forgets a request whose caller has gone, if it still waits.
    fn withdraw(&self, ticket: Ticket) {
        let withdrawn = {
            let mut state = self.state.lock();
            let withdrawn = state.queue.remove(ticket);
            self.tell_if_drained(&state);
            withdrawn
        };
        if withdrawn.is_some() {
            self.room.notify_one();
        }
    }

    /// Takes note that this many requests were answered.
    pub(super) fn done(&self, state: &mut State, count: usize) {
        state.running -= count;
        self.tell_if_drained(state);
    }

    /// The oldest request for the owner of `runner` to run, or none, and `runner` is free.
    pub(super) fn next_or_park(&self, runner: Runner) -> Option<(Box<Item>, Runner)> {
        let mut state = self.state.lock();
        if let Some(item) = state.queue.pop() {
            self.room.notify_one();
            return Some((item, runner));
        }
        state.free_runners.push(runner);
        // A free session is room too: whoever waits may lead.
        self.room.notify_one();
        self.tell_if_drained(&state);
        None
    }

    fn tell_if_drained(&self, state: &State) {
        if state.closed && state.is_drained() {
            self.drained.notify_waiters();
        }
    }

    /// Accepts no more requests.
    pub(super) fn close(&self) {
        let workers = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.idle_workers)
        };
        workers.iter().for_each(|worker| worker.raise());
        // Whoever waits for room learns that it is closed.
        self.room.notify_waiters();
    }

    /// Waits until every accepted request has been answered.
    pub(super) async fn drained(&self) {
        loop {
            let drained = self.drained.notified();
            if self.state.lock().is_drained() {
                return;
            }
            drained.await;
        }
    }

    /// Answers everything that is still queued with `Closed`; returns how many that were.
    pub(super) fn abandon_queue(&self) -> usize {
        let mut abandoned = Vec::new();
        {
            let mut state = self.state.lock();
            while let Some(item) = state.queue.pop() {
                abandoned.push(item);
            }
            self.tell_if_drained(&state);
        }
        let count = abandoned.len();
        for item in abandoned {
            item.answer(Err(Error::Closed { what: "batcher" }));
        }
        count
    }
}

impl State {
    pub(super) fn decide(&self, policy: &BatchPolicy, now: impl FnOnce() -> Instant) -> Decision {
        policy.decide(self.queue.gathered(), self.closed, now)
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    fn is_drained(&self) -> bool {
        let all_free = self.free_runners.len() == self.runners;
        self.queue.is_empty() && self.running == 0 && all_free
    }
}

/// Answers requests whose deadline passed while they were queued.
pub(super) fn answer_late(late: Batch, now: Instant) {
    for item in late {
        let elapsed = now.saturating_duration_since(item.demand.arrived);
        item.answer(Err(Error::DeadlineExceeded { elapsed }));
    }
}

/// Waits for what becomes of a queued request: `None` if its answer was lost. Dropped before, it takes
/// the request back out of the queue, inputs and all.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    shared: &'a Shared,
    ticket: Ticket,
    caller: &'a mut Caller<Reply>,
    settled: bool,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(shared: &'a Shared, ticket: Ticket, caller: &'a mut Caller<Reply>) -> Self {
        Self { shared, ticket, caller, settled: false }
    }
}

impl Future for Waiting<'_> {
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Reply>> {
        let settled = Pin::new(&mut *self.caller).poll(context);
        self.settled = settled.is_ready();
        settled
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.withdraw(self.ticket);
        }
    }
}

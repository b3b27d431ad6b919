//! What the handle, the workers and the leaders of one batcher share.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{
    Error,
    clock::{Clock, Signal},
    inference::{CancelHandle, InferenceRequest},
    tensor::NamedTensors,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    demand::Waits,
    forecast::{Backlog, Learned, Run},
    item::{Admission, Item, Reply},
    memory::MemoryLimit,
    observer::Release,
    opener::Opener,
    options::OnFull,
    policy::{BatchPolicy, Decision},
    queue::{BatchLimits, Queue, QueueLimits, Ticket},
    run::{Report, RunContext, Runner},
    slot::{Responder, SlotId},
    threads::Threads,
    under_way::{BatchNumber, UnderWay},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) context: RunContext,
    pub(super) opener: Opener,
    pub(super) threads: Threads,
    pub(super) admission: Admission,
    pub(super) policy: BatchPolicy,
    on_full: OnFull,
    max_queued_time: Option<Duration>,
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
    learned: Learned,
    pub(super) closed: bool,
    /// Requests taken and not yet answered.
    running: usize,
    /// Signals of workers that wait for work, the one that went to sleep last at the end.
    pub(super) idle_workers: Vec<Arc<Signal>>,
    /// Some idle worker waits with a deadline for the batch to fill.
    pub(super) timer_set: bool,
    /// Free sessions, where callers run them.
    pub(super) free_runners: Vec<Runner>,
    /// Sessions that serve, free or not.
    sessions: usize,
    /// Whether callers run them.
    callers_run: bool,
    /// Why no session serves, once opening one anew has failed.
    outage: Option<Error>,
    /// Raised when the batcher is closed: signals of threads that wait before they open a session anew.
    resting: Vec<Arc<Signal>>,
    memory: MemoryLimit,
    under_way: UnderWay,
}

/// Requests that run together.
pub(super) type Batch = Vec<Box<Item>>;

/// A batch, and the requests that came too late to be in it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) batch: Batch,
    pub(super) late: Batch,
    pub(super) run: Run,
    pub(super) release: Release,
    /// Which batch it is, and what stops it; not where callers run them, who cannot go away meanwhile.
    stop: Option<(BatchNumber, CancelHandle)>,
}

/// What bounds what may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdmissionLimits {
    pub(super) queue: QueueLimits,
    pub(super) max_queued_time: Option<Duration>,
    pub(super) on_full: OnFull,
}

/// A request that found no room, and why.
#[derive(Debug)]
pub(super) struct NoRoom {
    item: Box<Item>,
    error: Error,
    /// Whether there may be room later.
    later: bool,
}

impl Shared {
    pub(super) fn new(
        context: RunContext,
        opener: Opener,
        admission: Admission,
        policy: BatchPolicy,
        limits: AdmissionLimits,
        sessions: usize,
        free_runners: Vec<Runner>,
    ) -> Self {
        let AdmissionLimits { queue, max_queued_time, on_full } = limits;
        let state = State {
            queue: Queue::new(queue),
            learned: Learned::default(),
            closed: false,
            running: 0,
            idle_workers: Vec::new(),
            timer_set: false,
            sessions,
            callers_run: !free_runners.is_empty(),
            outage: None,
            resting: Vec::new(),
            memory: MemoryLimit::default(),
            under_way: UnderWay::default(),
            free_runners,
        };
        Self {
            context,
            opener,
            threads: Threads::default(),
            admission,
            policy,
            on_full,
            max_queued_time,
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
        admit: impl Fn(&mut State, Box<Item>) -> Result<T, NoRoom>,
    ) -> Result<T, Error> {
        loop {
            let no_room = match self.try_admit(item, &admit) {
                Ok(admitted) => return Ok(admitted),
                Err(no_room) => no_room,
            };
            if !self.may_wait(&no_room) {
                return Err(no_room.error);
            }
            // In line for room before looking again: none that is told of now can be missed.
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            match self.try_admit(no_room.item, &admit) {
                Ok(admitted) => return Ok(admitted),
                Err(no_room) if !self.may_wait(&no_room) => return Err(no_room.error),
                Err(no_room) => item = no_room.item,
            }
            room.await;
        }
    }

    fn may_wait(&self, no_room: &NoRoom) -> bool {
        self.on_full == OnFull::Wait && no_room.later
    }

    fn try_admit<T>(
        &self,
        item: Box<Item>,
        admit: impl Fn(&mut State, Box<Item>) -> Result<T, NoRoom>,
    ) -> Result<T, NoRoom> {
        let mut state = self.state.lock();
        if state.closed {
            let error = Error::Closed { what: "batcher" };
            return Err(NoRoom { item, error, later: false });
        }
        if let Some(outage) = &state.outage {
            return Err(NoRoom { item, error: unavailable(outage), later: false });
        }
        admit(&mut state, item)
    }

    /// Puts a request into the queue, if there is room for it and it can be run in time.
    pub(super) fn enqueue(&self, state: &mut State, item: Box<Item>) -> Result<Ticket, NoRoom> {
        let arrived = item.demand.arrived;
        if (item.demand.deadline.is_some() || self.max_queued_time.is_some())
            && let Some((error, later)) = self.too_late(state, &item)
        {
            return Err(NoRoom { item, error, later });
        }
        match state.queue.push(item) {
            Ok(ticket) => {
                state.learned.arrived(arrived);
                Ok(ticket)
            }
            Err(item) => {
                let error = state.queue.overloaded(item.demand.size_bytes);
                let later = matches!(error, Error::Overloaded { .. });
                Err(NoRoom { item, error, later })
            }
        }
    }

    /// Why a request would be run too late, and whether that may change.
    fn too_late(&self, state: &mut State, item: &Item) -> Option<(Error, bool)> {
        let now = self.context.clock.monotonic();
        let row_cost = item.demand.cost / item.demand.rows.max(1);
        let backlog = Backlog {
            ahead: state.queue.ahead_of(item.demand.due),
            full_batch: (self.policy.max_batch_size * row_cost).min(self.admission.max_cost),
            sessions: state.sessions,
            free_sessions: state.idle_workers.len() + state.free_runners.len(),
        };
        let overloaded = |what, limit: Duration, retry_after| Error::Overloaded {
            what,
            limit: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            retry_after: Some(retry_after),
        };
        if let Some(limit) = self.max_queued_time
            && let Some(wait) = state.learned.wait(backlog, now)
            && wait > limit
        {
            return Some((overloaded("queue (milliseconds of work)", limit, wait - limit), true));
        }
        let misses_by = state.learned.misses_by(&item.demand, backlog, now)?;
        let left = item.demand.deadline?.saturating_duration_since(now);
        let what = "queue up to the deadline (milliseconds of work)";
        Some((overloaded(what, left, misses_by), false))
    }

    /// Takes a batch off a bucket of the queue.
    pub(super) fn take(
        &self,
        state: &mut State,
        bucket: usize,
        max_rows: usize,
        release: Release,
        now: Instant,
    ) -> Taken {
        self.take_behind(state, Vec::new(), Some(bucket), (max_rows, release), now)
    }

    /// Takes a batch that begins with `first`.
    pub(super) fn take_with(&self, state: &mut State, first: Box<Item>, now: Instant) -> Taken {
        let bucket = state.queue.bucket_of(first.key());
        let queued = bucket.map_or(0, |bucket| state.queue.rows_of(bucket));
        let rows = first.demand.rows + queued;
        let release = self.policy.reached(rows).unwrap_or(Release::SessionFree);
        let size = (self.policy.max_rows(rows), release);
        let (batch, late) =
            if first.demand.is_late(now) { (vec![], vec![first]) } else { (vec![first], vec![]) };
        let mut taken = self.take_behind(state, batch, bucket, size, now);
        taken.late.extend(late);
        taken
    }

    fn take_behind(
        &self,
        state: &mut State,
        mut batch: Batch,
        bucket: Option<usize>,
        (max_rows, release): (usize, Release),
        now: Instant,
    ) -> Taken {
        let State { queue, learned, running, memory, under_way, callers_run, .. } = state;
        let queued = queue.len();
        let max_cost = self.admission.max_cost.min(memory.max_cost());
        let limits = BatchLimits { max_rows, max_cost };
        let late = bucket.map_or_else(Vec::new, |bucket| {
            queue.fill(bucket, &mut batch, now, limits, |cost| learned.run_time(cost))
        });
        for _ in queue.len()..queued {
            self.room.notify_one();
        }
        *running += batch.len();
        let run = learned.begin(batch.iter().map(|item| item.demand.cost).sum(), now);
        let stop =
            (!*callers_run).then(|| under_way.begin(batch.iter().map(|item| item.responder.id())));
        Taken { batch, late, run, release, stop }
    }

    /// Forgets a request whose caller has gone: takes it out of the queue or, if it runs and nobody else
    /// waits for that batch, stops the run.
    pub(super) fn withdraw(&self, ticket: Ticket, caller: SlotId) {
        let (withdrawn, stop) = {
            let mut state = self.state.lock();
            let withdrawn = state.queue.remove(ticket);
            let stop = if withdrawn.is_none() { state.under_way.leave(caller) } else { None };
            self.tell_if_drained(&state);
            (withdrawn, stop)
        };
        if withdrawn.is_some() {
            self.room.notify_one();
        }
        if let Some(stop) = stop {
            stop.cancel();
        }
    }

    /// Takes note that a run of this many requests is over, and whether its session can go on.
    fn done(
        &self,
        run: Run,
        number: Option<BatchNumber>,
        count: usize,
        report: &Report,
        is_fit: bool,
    ) {
        let mut state = self.state.lock();
        if let Some(number) = number {
            state.under_way.end(number);
        }
        match report.ran_out_of_memory {
            Some(cost) => state.memory.ran_out(cost),
            None => state.memory.succeeded(run.cost()),
        }
        state.learned.end(run, report.took);
        state.running -= count;
        if !is_fit {
            state.sessions -= 1;
        }
        self.tell_if_drained(&state);
    }

    /// Takes note that a session serves again.
    pub(super) fn session_found(&self) {
        let mut state = self.state.lock();
        state.sessions += 1;
        state.outage = None;
    }

    /// Takes note that a session could not be opened anew. If it was the last, requests are refused until
    /// it can, and those that wait are told. `signal` is raised when the batcher is closed.
    pub(super) fn session_missing(&self, signal: &Arc<Signal>, error: &Error) {
        let waiting = {
            let mut state = self.state.lock();
            state.resting.push(Arc::clone(signal));
            if state.sessions > 0 {
                return;
            }
            state.outage = Some(error.clone());
            let waiting = state.queue.empty();
            self.tell_if_drained(&state);
            waiting
        };
        for item in waiting {
            self.room.notify_one();
            item.answer(Err(unavailable(error)));
        }
    }

    /// Takes note that the thread of this signal no longer waits.
    pub(super) fn rested(&self, signal: &Arc<Signal>) {
        self.state.lock().resting.retain(|other| !Arc::ptr_eq(other, signal));
    }

    /// Takes note of how long runs of these inputs took.
    pub(super) fn learn(&self, runs: &[(NamedTensors, Duration)]) {
        let mut state = self.state.lock();
        for (inputs, took) in runs {
            state.learned.record(self.admission.cost(inputs), *took);
        }
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
            let mut workers = std::mem::take(&mut state.idle_workers);
            workers.append(&mut state.resting);
            workers
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
        let abandoned;
        {
            let mut state = self.state.lock();
            abandoned = state.queue.empty();
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
    pub(super) fn decide(
        &mut self,
        policy: &BatchPolicy,
        now: impl FnOnce() -> Instant,
    ) -> Decision {
        policy.decide(self.queue.gathered(), self.closed, &mut self.learned, now)
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    fn is_drained(&self) -> bool {
        let all_free = !self.callers_run || self.free_runners.len() == self.sessions;
        self.queue.is_empty() && self.running == 0 && all_free
    }
}

impl Runner {
    /// Runs a batch that was taken and answers everybody in it. Returns whether the session can go on.
    pub(super) fn run_taken(&mut self, shared: &Shared, taken: Taken) -> bool {
        let Taken { batch, late, run, release, stop } = taken;
        let (number, cancel) = stop.unzip();
        if !late.is_empty() {
            let now = shared.context.clock.monotonic();
            late.into_iter().for_each(|item| item.answer_late(now));
        }
        let count = batch.len();
        let report = if count == 0 {
            Report::default()
        } else {
            self.run(&shared.context, batch, release, cancel)
        };
        let is_fit = self.is_fit(&report, &shared.opener);
        shared.done(run, number, count, &report, is_fit);
        is_fit
    }
}

/// No session serves.
fn unavailable(outage: &Error) -> Error {
    let reason = format!("its session failed and cannot be opened anew: {}", outage.report());
    Error::unavailable("model", reason)
}

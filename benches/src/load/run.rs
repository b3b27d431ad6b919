//! [`LoadTest`]: puts a load on a model.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use mlops_core::random::{RandomKey, RandomStream};
use parking_lot::Mutex;
use tokio::{
    sync::Mutex as TurnstileMutex,
    task::{JoinSet, coop},
    time::Instant,
};

use super::{
    Arrivals, Mix, Report, Usage,
    arrivals::Schedule,
    mix::{Sizes, Ticket},
    recorder::{Recorder, Window},
    timer::{FineTimer, Timer},
    transport::{Connection, Transport},
};
use crate::Result;

/// A load, and for how long to put it on a model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadTest {
    /// When requests are due.
    pub arrivals: Arrivals,
    /// What they are.
    pub mix: Mix,
    /// Time under load before anything is measured.
    pub warm_up: Duration,
    /// Time that is measured.
    pub duration: Duration,
    /// Time after that in which answers are still waited for.
    pub drain: Duration,
    /// Threads that send, each with its share of the connections.
    pub threads: usize,
    /// The same seed draws the same requests, due at the same times.
    pub seed: u64,
    /// The process whose CPU time and memory, with those of the processes it started, to report.
    pub server: Option<u32>,
}

impl LoadTest {
    /// Five seconds of this load after one of warm-up, from one thread.
    #[must_use]
    pub fn new(arrivals: Arrivals) -> Self {
        Self {
            arrivals,
            mix: Mix::default(),
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(5),
            drain: Duration::from_secs(5),
            threads: 1,
            seed: 0,
            server: None,
        }
    }

    /// Sets what requests are.
    #[must_use]
    pub fn with_mix(mut self, mix: Mix) -> Self {
        self.mix = mix;
        self
    }

    /// Sets the time before anything is measured, and the time that is.
    #[must_use]
    pub fn with_duration(mut self, warm_up: Duration, duration: Duration) -> Self {
        (self.warm_up, self.duration) = (warm_up, duration);
        self
    }

    /// Sets the time after the end in which answers are still waited for.
    #[must_use]
    pub fn with_drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Sets how many threads send.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets what the same requests are drawn by.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Reports the CPU time and memory of this process and of those it started.
    #[must_use]
    pub fn with_server(mut self, pid: u32) -> Self {
        self.server = Some(pid);
        self
    }

    /// Opens every connection, then puts the load on the model, and returns when the last answer is
    /// in or has been waited for long enough. Blocks.
    ///
    /// # Errors
    /// If there is nothing to send or nobody to send it, or a connection cannot be opened.
    pub fn run<T: Transport>(&self, transport: &Arc<T>) -> Result<Report> {
        if let Arrivals::Open { rate, .. } = self.arrivals
            && !(rate > 0.0 && rate.is_finite())
        {
            return Err(format!("a rate of {rate} requests a second is not one").into());
        }
        if self.arrivals.connections() == 0 || self.threads == 0 || transport.sizes().sound == 0 {
            return Err("a load takes at least one thread, one connection and one request".into());
        }
        let threads = self.threads.min(self.arrivals.connections());
        thread::scope(|scope| {
            let (opened, all_opened) = mpsc::channel();
            let mut starters = Vec::new();
            let mut senders = Vec::new();
            for thread in 0..threads {
                let (starter, start) = mpsc::channel::<Instant>();
                starters.push(starter);
                let opened = opened.clone();
                senders.push(scope.spawn(move || -> Result<Option<Report>> {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(async move {
                        let share = self.arrivals.share(thread, threads);
                        let mut connections = Vec::new();
                        for _ in 0..share.connections() {
                            connections.push(transport.connect().await?);
                        }
                        let timer = FineTimer::new()?;
                        // Nobody listens if another thread has failed.
                        opened.send(()).ok();
                        // Kept, it would let the others' failure go unnoticed.
                        drop(opened);
                        let Ok(start) = start.recv() else {
                            return Ok(None);
                        };
                        let part = Part { test: self, share, thread, threads, start };
                        Ok(Some(part.send(connections, transport.sizes(), timer).await))
                    })
                }));
            }
            drop(opened);
            let ready = (0..threads).take_while(|_| all_opened.recv().is_ok()).count();
            let mut usage = None;
            if ready == threads {
                let start = Instant::now();
                for starter in &starters {
                    // A thread that has ended says why below.
                    starter.send(start).ok();
                }
                usage = Some(self.measure(start.into_std())?);
            }
            drop(starters);
            let mut report = Report { window: self.duration, ..Report::default() };
            for sender in senders {
                let part = sender.join().map_err(|_panic| "a sending thread panicked")??;
                part.iter().for_each(|part| report.merge(part));
            }
            (report.client, report.server) = usage.ok_or("a sending thread did not start")?;
            Ok(report)
        })
    }

    /// Waits for the window and measures what processes use in it.
    fn measure(&self, start: std::time::Instant) -> Result<(Usage, Option<Usage>)> {
        let now = || -> Result<_> {
            Ok((Usage::of_this_process()?, self.server.map(Usage::of_process_tree).transpose()?))
        };
        let sleep_until = |time: std::time::Instant| {
            thread::sleep(time.saturating_duration_since(std::time::Instant::now()));
        };
        sleep_until(start + self.warm_up);
        let before = now()?;
        sleep_until(start + self.warm_up + self.duration);
        let after = now()?;
        let server = after.1.zip(before.1).map(|(after, before)| after.since(before));
        Ok((after.0.since(before.0), server))
    }
}

/// What one thread sends.
#[derive(Debug)]
struct Part<'test> {
    test: &'test LoadTest,
    share: Arrivals,
    thread: usize,
    threads: usize,
    start: Instant,
}

impl Part<'_> {
    async fn send<C: Connection>(
        &self,
        connections: Vec<C>,
        sizes: Sizes,
        timer: impl Timer,
    ) -> Report {
        let Self { test, share, thread, threads, start } = *self;
        let key = RandomKey::from_seed(test.seed);
        let opens = start + test.warm_up;
        let window = Window { opens, closes: opens + test.duration };
        let recorder = Arc::new(Mutex::new(Recorder::new(window, connections.len())));
        let draw = Draw { mix: test.mix, sizes, start, closes: window.closes };
        let mut clients = JoinSet::new();
        let mut turnstile = None;
        match share {
            Arrivals::Closed { .. } => {
                let key = key.derive("clients").derive(&thread.to_string());
                for (index, connection) in connections.into_iter().enumerate() {
                    let recorder = Arc::clone(&recorder);
                    let random = key.stream(index as u64);
                    clients.spawn(closed_client(index, connection, draw, random, recorder));
                }
            }
            Arrivals::Open { rate, process, .. } => {
                let schedule = Schedule::new(rate, process, &key, thread)
                    .starting_at(thread as f64 / threads as f64);
                let random = key.derive("requests").stream(thread as u64);
                let gate =
                    Arc::new(TurnstileMutex::new(Turnstile { schedule, random, timer, draw }));
                for (index, connection) in connections.into_iter().enumerate() {
                    let (gate, recorder) = (Arc::clone(&gate), Arc::clone(&recorder));
                    clients.spawn(open_client(index, connection, gate, recorder));
                }
                turnstile = Some(gate);
            }
        }
        let all_ended = async { while clients.join_next().await.is_some() {} };
        // What is left when the time is up is counted as unfinished.
        tokio::time::timeout_at(window.closes + test.drain, all_ended).await.ok();
        clients.shutdown().await;
        let recorder = Arc::into_inner(recorder).expect("the clients have ended").into_inner();
        let now = Instant::now();
        match turnstile.and_then(Arc::into_inner) {
            Some(turnstile) => recorder.finish(turnstile.into_inner().unsent(), now),
            None => recorder.finish(std::iter::empty(), now),
        }
    }
}

/// What a thread's requests are, and when its last one is due.
#[derive(Debug, Clone, Copy)]
struct Draw {
    mix: Mix,
    sizes: Sizes,
    start: Instant,
    closes: Instant,
}

async fn closed_client<C: Connection>(
    index: usize,
    mut connection: C,
    draw: Draw,
    mut random: RandomStream,
    recorder: Arc<Mutex<Recorder>>,
) {
    loop {
        let now = Instant::now();
        if now >= draw.closes {
            return;
        }
        let ticket = draw.mix.draw(draw.sizes, &mut random);
        recorder.lock().sent(index, now, now);
        let outcome = connection.send(ticket).await;
        recorder.lock().ended(index, ticket, outcome, Instant::now());
        // A model that answers at once would otherwise keep the other clients from their turn.
        coop::consume_budget().await;
    }
}

/// Lets clients through one by one, each when the next request is due. The clients who wait for
/// their turn are the free connections: no queue is needed, however late the requests.
#[derive(Debug)]
struct Turnstile<T> {
    schedule: Schedule,
    random: RandomStream,
    timer: T,
    draw: Draw,
}

impl<T: Timer> Turnstile<T> {
    async fn next(&mut self) -> Option<(Instant, Ticket)> {
        let due = self.due()?;
        self.timer.wait_until(due).await;
        Some((due, self.draw.mix.draw(self.draw.sizes, &mut self.random)))
    }

    fn due(&mut self) -> Option<Instant> {
        let due = self.draw.start.checked_add(self.schedule.next()?)?;
        (due < self.draw.closes).then_some(due)
    }

    /// When the requests that nobody came for were due.
    fn unsent(mut self) -> impl Iterator<Item = Instant> {
        std::iter::from_fn(move || self.due())
    }
}

async fn open_client<C: Connection, T: Timer>(
    index: usize,
    mut connection: C,
    turnstile: Arc<TurnstileMutex<Turnstile<T>>>,
    recorder: Arc<Mutex<Recorder>>,
) {
    loop {
        let Some((due, ticket)) = turnstile.lock().await.next().await else {
            return;
        };
        recorder.lock().sent(index, due, Instant::now());
        let outcome = connection.send(ticket).await;
        recorder.lock().ended(index, ticket, outcome, Instant::now());
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;

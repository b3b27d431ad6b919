//! [`Soak`].

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use mlops_core::{
    inference::InferenceRequest, model::ModelVersion, tensor::NamedTensors, testing::approx_eq,
};
use parking_lot::Mutex;
use tokio::{sync::Mutex as TurnMutex, task::JoinSet};

use super::{SoakHost, SoakReport};
use crate::{
    Result,
    load::{Inputs, Usage},
};

/// A batch rounds otherwise than a request alone does, by less than this.
const TOLERANCE: f64 = 1e-4;

/// Requests of one row from many clients, and swaps spread evenly among them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Soak {
    /// Requests to send.
    pub requests: u64,
    /// Times to replace the model meanwhile.
    pub swaps: u64,
    /// Clients that each send one request at a time.
    pub clients: usize,
}

impl Soak {
    /// So many requests and swaps, from 64 clients.
    #[must_use]
    pub fn new(requests: u64, swaps: u64) -> Self {
        Self { requests, swaps, clients: 64 }
    }

    /// Loads the first version and sends them all. Blocks.
    ///
    /// # Errors
    /// If there is nothing to do, or a swap fails.
    pub fn run(&self, host: &Arc<SoakHost>) -> Result<SoakReport> {
        if self.clients == 0 || self.swaps == 0 || self.requests <= self.swaps {
            return Err("a soak takes a client, a swap, and more requests than swaps".into());
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(self.send(host))
    }

    async fn send(&self, host: &Arc<SoakHost>) -> Result<SoakReport> {
        host.swap().await?;
        let model = host.model()?;
        let corpus = Inputs::default().corpus(&model.predict.descriptor().signature, 0)?;
        let mut pairs = Vec::new();
        for inputs in corpus.sound {
            let answer = model.predict.predict(InferenceRequest::new(inputs.clone())).await?;
            pairs.push(Pair { inputs, expected: answer.outputs });
        }
        drop(model);
        let work = Arc::new(Work {
            soak: *self,
            host: Arc::clone(host),
            pairs,
            next: AtomicU64::new(0),
            turn: TurnMutex::new(()),
            resident: Mutex::default(),
            versions: Mutex::default(),
        });
        let (rows, started) = (host.rows_run(), Instant::now());
        let mut clients = JoinSet::new();
        for _ in 0..self.clients {
            clients.spawn(Arc::clone(&work).client());
        }
        let mut report = SoakReport::default();
        while let Some(client) = clients.join_next().await {
            report.merge(client??);
        }
        report.elapsed = started.elapsed();
        report.rows_run = host.rows_run() - rows;
        report.resident = std::mem::take(&mut work.resident.lock());
        report.versions = std::mem::take(&mut work.versions.lock());
        Ok(report)
    }
}

/// A request, and what the model answers when it is asked nothing else.
#[derive(Debug)]
struct Pair {
    inputs: NamedTensors,
    expected: NamedTensors,
}

/// What the clients share.
#[derive(Debug)]
struct Work {
    soak: Soak,
    host: Arc<SoakHost>,
    pairs: Vec<Pair>,
    next: AtomicU64,
    /// One swap at a time.
    turn: TurnMutex<()>,
    resident: Mutex<Vec<u64>>,
    versions: Mutex<BTreeSet<ModelVersion>>,
}

impl Work {
    /// Sends requests until none are left. Who comes to the place of a swap makes it first, while the
    /// others go on.
    async fn client(self: Arc<Self>) -> Result<SoakReport> {
        let every = self.soak.requests / (self.soak.swaps + 1);
        let mut report = SoakReport::default();
        let mut last = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.soak.requests {
                return Ok(report);
            }
            if number > 0 && number.is_multiple_of(every) && number / every <= self.soak.swaps {
                self.swap().await?;
                report.swaps += 1;
            }
            let pair = &self.pairs[(number % self.pairs.len() as u64) as usize];
            report.requests += 1;
            let model = self.host.model()?;
            match model.predict.predict(InferenceRequest::new(pair.inputs.clone())).await {
                Ok(answer) if approx_eq(&answer.outputs, &pair.expected, TOLERANCE) => {
                    report.answered += 1;
                    let version = answer.served_by.version;
                    if last.replace(version) != Some(version) {
                        self.versions.lock().insert(version);
                    }
                }
                Ok(_) => report.wrong += 1,
                Err(error) => *report.failed.entry(error.report()).or_default() += 1,
            }
        }
    }

    async fn swap(self: &Arc<Self>) -> Result<()> {
        let _turn = self.turn.lock().await;
        self.host.swap().await?;
        self.resident.lock().push(Usage::of_this_process()?.resident_bytes);
        Ok(())
    }
}

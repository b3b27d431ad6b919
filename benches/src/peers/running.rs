//! [`RunningPeer`].

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use mlops_core::tensor::NamedTensors;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{
    peer::{Batches, Peer, Places, decode},
    table::Figures,
};
use crate::{
    Failure, Result,
    load::{
        Corpus, LoadTest, Outcome, Ticket, process_tree,
        transport::{Connection, HttpTransport, Transport, get, post},
    },
};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that serves one model, and ends with this value, with all that it started.
#[derive(Debug)]
pub struct RunningPeer {
    peer: Peer,
    model: String,
    child: Child,
    url: String,
    counts: PathBuf,
}

impl RunningPeer {
    /// Starts it and waits until it answers a request.
    ///
    /// # Errors
    /// If it cannot be started, or ends or does not answer within two minutes.
    pub fn start(peer: Peer, places: &Places, model: &str, corpus: &Corpus) -> Result<Self> {
        fs::create_dir_all(&places.scratch)?;
        let port = free_port()?;
        let counts = places.scratch.join(format!("{}-{model}", peer.name));
        let log = counts.with_extension("log");
        let output = File::create(&log)?;
        let mut command = peer.command(places, model, port, &counts);
        let child = command
            .current_dir(&places.scratch)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let url = format!("http://127.0.0.1:{port}");
        let mut running = Self { peer, model: model.into(), child, url, counts };
        running.wait_until_it_answers(corpus).map_err(|error| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(20)..].join("\n");
            format!("{} with {model}: {error}\n{tail}", peer.name)
        })?;
        Ok(running)
    }

    fn wait_until_it_answers(&mut self, corpus: &Corpus) -> Result<()> {
        let transport = self.transport(corpus)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let started = Instant::now();
        loop {
            let first = Ticket { request: 0, is_poison: false, leaves: false };
            let answer = runtime.block_on(async {
                Ok::<_, Failure>(
                    tokio::time::timeout(PATIENCE, transport.connect().await?.send(first)).await?,
                )
            });
            if matches!(answer, Ok(Outcome::Answered)) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("it ended by itself: {status}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("no answer after {PATIENCE:?}: {answer:?}").into());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn transport(&self, corpus: &Corpus) -> Result<Arc<HttpTransport>> {
        let encode = |inputs: &_| self.peer.encode(&self.model, inputs);
        Ok(Arc::new(HttpTransport::new(&self.url, corpus, encode)?))
    }

    /// Checks that it gives the answer that ONNX Runtime gives in this process: a server that is
    /// fast and wrong is not compared.
    ///
    /// # Errors
    /// If it gives another.
    pub fn check(&self, request: &NamedTensors, expected: &[f32]) -> Result<()> {
        let answer = post(&self.url, self.peer.encode(&self.model, request)?)?;
        let given = decode(self.peer.form, &answer)?;
        let is_equal = given.len() == expected.len()
            && given.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-4);
        if is_equal {
            Ok(())
        } else {
            Err(format!("{} answers {given:?}, not {expected:?}", self.peer.name).into())
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a load on it.
    ///
    /// # Errors
    /// As the load test.
    pub fn put(&self, load: LoadTest, corpus: &Corpus) -> Result<Figures> {
        let transport = self.transport(corpus)?;
        let before = self.batches()?;
        let report = load.with_server(self.child.id()).run(&transport)?;
        let mean_batch = self.batches()?.zip(before).and_then(|(after, before)| {
            let [runs, rows] = [0, 1].map(|n| after[n] - before[n]);
            (runs > 0.0).then(|| rows / runs)
        });
        Ok(Figures::new(&report, mean_batch))
    }

    /// Runs so far, and rows in them, if it tells.
    fn batches(&self) -> Result<Option<[f64; 2]>> {
        let fetch = |path: &str| -> Result<String> {
            Ok(String::from_utf8_lossy(&get(&format!("{}{path}", self.url))?).into_owned())
        };
        match self.peer.batches {
            Batches::Untold => Ok(None),
            Batches::File => {
                let bytes = fs::read(&self.counts)?;
                let counts = bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok());
                let counts: Vec<f64> = counts.map(|n| i64::from_le_bytes(n) as f64).collect();
                Ok(counts.try_into().ok())
            }
            Batches::Route(path) => {
                let text = fetch(path)?;
                let counts: Vec<f64> = text
                    .split(' ')
                    .map(str::parse)
                    .collect::<Result<_, std::num::ParseFloatError>>()?;
                Ok(counts.try_into().ok())
            }
            Batches::Metrics => {
                let text = fetch("/metrics")?;
                let sample = |name: &str| {
                    let line = text.lines().find(|line| line.starts_with(name))?;
                    line.rsplit_once(' ')?.1.parse::<f64>().ok()
                };
                let counts = sample("mlops_batch_size_count").zip(sample("mlops_batch_size_sum"));
                Ok(counts.map(|(runs, rows)| [runs, rows]))
            }
        }
    }
}

impl Drop for RunningPeer {
    fn drop(&mut self) {
        let pid_of = |pid: u32| i32::try_from(pid).ok().and_then(Pid::from_raw);
        // Both: some servers give their workers a group of their own, and a server that has crashed
        // is no longer the parent of its workers.
        let tree = process_tree(self.child.id()).unwrap_or_default();
        if let Some(group) = pid_of(self.child.id()) {
            kill_process_group(group, Signal::KILL).ok();
        }
        for pid in tree.into_iter().filter_map(pid_of) {
            kill_process(pid, Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}

/// A port that nobody listens at; two more above it are as good as free.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

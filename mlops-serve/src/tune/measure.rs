//! One setting under a closed loop of callers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, Predict, SessionFactory},
    model::ModelId,
    tensor::NamedTensors,
};

use super::{
    options::TuneOptions,
    setting::{Measurement, Setting},
};
use crate::batch::{BatchObserver, BatchRecord, Batcher, BatcherOptions};

/// Starts a batcher with this setting, sends it requests with `inputs` for as long as the options say,
/// and ends it again.
pub(super) fn measure(
    setting: Setting,
    factory: Arc<dyn SessionFactory>,
    batcher: &BatcherOptions,
    inputs: &NamedTensors,
    options: &TuneOptions,
) -> Result<Measurement> {
    let batches = Arc::new(Batches::default());
    let batcher_options = BatcherOptions {
        max_batch_size: setting.max_batch_size,
        instances: setting.instances,
        max_queued_requests: batcher.max_queued_requests.max(options.callers),
        ..batcher.clone()
    };
    let id = ModelId::new("tune".parse()?, "1".parse()?);
    let model = Batcher::builder(id, factory, batcher_options)
        .observer(Arc::clone(&batches) as Arc<dyn BatchObserver>)
        .start()?;
    // What starting cost is not part of it.
    batches.forget();
    let processor = processor_time();
    let started = Instant::now();
    let load = Load {
        model: &model,
        inputs,
        until: started.checked_add(options.load_time),
        left: AtomicUsize::new(options.max_requests),
    };
    let latencies = load.run(options.callers);
    let elapsed = started.elapsed();
    let processor = processor_time().zip(processor).map(|(after, before)| after - before);
    end(&model)?;
    let mut latencies = latencies?;
    latencies.sort_unstable();
    let (Some(p50), Some(p99)) = (percentile(&latencies, 50), percentile(&latencies, 99)) else {
        return Err(Error::invalid("tune options", "no request was answered within load_time"));
    };
    let seconds = elapsed.as_secs_f64();
    Ok(Measurement {
        setting,
        throughput: latencies.len() as f64 / seconds,
        p50,
        p99,
        cpu: processor.map(|time| time.as_secs_f64() / (seconds * options.max_threads as f64)),
        mean_batch: batches.mean_rows(),
        busy: (batches.run_seconds() / (seconds * setting.instances as f64)).min(1.0),
    })
}

/// Callers that each send the next request when they have the answer to the last.
struct Load<'a> {
    model: &'a Batcher,
    inputs: &'a NamedTensors,
    /// None for a time beyond what clocks can tell: the requests end it.
    until: Option<Instant>,
    left: AtomicUsize,
}

impl Load<'_> {
    /// Divides the callers among a few threads and returns the latency of every request.
    fn run(&self, callers: usize) -> Result<Vec<Duration>> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(callers);
        thread::scope(|scope| {
            let running = (0..threads)
                .map(|at| {
                    let callers = callers / threads + usize::from(at < callers % threads);
                    thread::Builder::new()
                        .name(format!("tune-callers#{at}"))
                        .spawn_scoped(scope, move || self.thread(callers))
                        .map_err(|error| Error::backend("threads", error))
                })
                .collect::<Result<Vec<_>>>();
            if running.is_err() {
                // Those that did start end with their next request.
                self.left.store(0, Ordering::Relaxed);
            }
            let mut latencies = Vec::new();
            for thread in running? {
                let of_thread = thread
                    .join()
                    .map_err(|_panic| Error::backend("tuner", "a caller panicked"))??;
                latencies.extend(of_thread);
            }
            Ok(latencies)
        })
    }

    fn thread(&self, callers: usize) -> Result<Vec<Duration>> {
        let callers = (0..callers).map(|_| self.caller());
        let latencies = runtime()?.block_on(try_join_all(callers));
        if latencies.is_err() {
            // The load is over for all of them.
            self.left.store(0, Ordering::Relaxed);
        }
        Ok(latencies?.concat())
    }

    async fn caller(&self) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        while self.until.is_none_or(|until| Instant::now() < until) && self.take_one() {
            let sent = Instant::now();
            self.model.predict(InferenceRequest::new(self.inputs.clone())).await?;
            latencies.push(sent.elapsed());
            // A batcher whose callers run it may answer at once, always.
            tokio::task::yield_now().await;
        }
        Ok(latencies)
    }

    fn take_one(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// Ends a batcher that nobody asks any more: on a thread of its own, because the tuner may have been
/// called from within a runtime, where blocking on a future is a panic.
fn end(model: &Batcher) -> Result<()> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("tune-end".to_owned())
            .spawn_scoped(scope, || runtime()?.block_on(model.shutdown(Duration::MAX)))
            .map_err(|error| Error::backend("threads", error))?;
        thread.join().map_err(|_panic| Error::backend("tuner", "ending a batcher panicked"))?
    })
}

/// For futures that wait for threads, not for I/O.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Error::backend("tokio", error))
}

/// What the batches were.
#[derive(Debug, Default)]
struct Batches {
    count: AtomicU64,
    rows: AtomicU64,
    run_nanos: AtomicU64,
}

impl Batches {
    fn forget(&self) {
        for sum in [&self.count, &self.rows, &self.run_nanos] {
            sum.store(0, Ordering::Relaxed);
        }
    }

    fn mean_rows(&self) -> f64 {
        let count = self.count.load(Ordering::Relaxed).max(1);
        self.rows.load(Ordering::Relaxed) as f64 / count as f64
    }

    fn run_seconds(&self) -> f64 {
        Duration::from_nanos(self.run_nanos.load(Ordering::Relaxed)).as_secs_f64()
    }
}

impl BatchObserver for Batches {
    fn observe(&self, record: &BatchRecord<'_>) {
        let timings = record.timings;
        let took = timings.batching + timings.inference + timings.splitting;
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(record.rows as u64, Ordering::Relaxed);
        self.run_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// The nearest-rank percentile of sorted latencies.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// What this process has used of processors so far.
#[cfg(target_os = "linux")]
fn processor_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
}

#[cfg(not(target_os = "linux"))]
fn processor_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let millis = |count: u64| (1..=count).map(Duration::from_millis).collect::<Vec<_>>();
        for (count, percent, expected) in [
            (100, 50, Some(50)),
            (100, 99, Some(99)),
            (1, 99, Some(1)),
            (3, 50, Some(2)),
            (0, 50, None),
        ] {
            let found = percentile(&millis(count), percent);
            assert_eq!(found, expected.map(Duration::from_millis), "{percent} % of {count}");
        }
    }
}

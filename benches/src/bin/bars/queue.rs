//! How the queue treats requests that do not fit together, and those that come too late. The sessions
//! are mocks that take time and no processor.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use benches::rounds::{Rounds, median};
use mlops_core::{
    Error,
    inference::{InferenceRequest, Predict},
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{BatchObserver, BatchRecord, Batcher, BatcherOptions, Placement},
};

use crate::{Result, id, inputs, runtime};

pub(crate) fn run() -> Result<()> {
    mixed_shapes()?;
    deadlines()
}

/// Sums up batches.
#[derive(Debug, Default)]
struct Batches {
    batches: AtomicUsize,
    rows: AtomicUsize,
}

impl BatchObserver for Batches {
    fn observe(&self, record: &BatchRecord<'_>) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(record.rows, Ordering::Relaxed);
    }
}

/// Gives back what it is given, of any width, after this time.
fn blocking(time: Duration) -> MockSession {
    let shape = || [Dim::Symbolic("batch".into()), Dim::Unknown];
    let spec = |name| TensorSpec::new(name, DataType::F32, shape());
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    MockSession::new(signature, move |inputs| {
        std::thread::sleep(time);
        Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
    })
}

/// Rows in a batch on average, of callers in a closed loop whose requests have so many shapes in turn.
fn mean_batch(callers: usize, shapes: usize, delay: Duration) -> Result<f64> {
    let runtime = runtime(1)?;
    let batches = Arc::new(Batches::default());
    let options = BatcherOptions::default()
        .with_placement(Placement::Thread)
        .with_max_batch_size(32)
        .with_max_queue_delay(delay);
    let factory = MockFactory::new(blocking(Duration::from_millis(1)));
    let batcher = Batcher::builder(id(), factory, options)
        .warm_up(WarmUp::None)
        .observer(Arc::<Batches>::clone(&batches))
        .start()?;
    let batcher = Arc::new(batcher);
    let until = Instant::now() + Duration::from_millis(500);
    let callers: Vec<_> = (0..callers)
        .map(|caller| {
            let batcher = Arc::clone(&batcher);
            runtime.spawn(async move {
                let mut turn = caller;
                while Instant::now() < until {
                    let request = InferenceRequest::new(inputs("x", 1, 8 + turn % shapes));
                    batcher.predict(request).await.expect("an answer");
                    turn += 1;
                }
            })
        })
        .collect();
    for caller in callers {
        runtime.block_on(caller)?;
    }
    let rows = batches.rows.load(Ordering::Relaxed) as f64;
    Ok(rows / batches.batches.load(Ordering::Relaxed) as f64)
}

fn mixed_shapes() -> Result<()> {
    println!("| mixed shapes, max batch 32 | mean batch | of one shape | ratio | bar |");
    println!("| --- | --- | --- | --- | --- |");
    for delay in [Duration::ZERO, Duration::from_millis(1)] {
        for (callers, shapes) in [(64, 2), (128, 4), (256, 8)] {
            let mean = |shapes| mean_batch(callers, shapes, delay).expect("it runs");
            let rounds = Rounds::measure(7, || mean(shapes), || mean(1));
            println!(
                "| {callers} callers, {shapes} shapes in turn, delay {delay:?} | {:.1} | {:.1} | {:.3} | 0.8 |",
                rounds.ours(),
                rounds.theirs(),
                rounds.ratio()
            );
        }
    }
    Ok(())
}

/// Milliseconds that requests are told too late that it is too late, in order.
fn lateness(requests: u64) -> Result<Vec<f64>> {
    let runtime = runtime(2)?;
    let options = BatcherOptions::default()
        .with_placement(Placement::Thread)
        .with_instances(2)
        .with_max_batch_size(1);
    let factory = MockFactory::new(blocking(Duration::from_secs(1)));
    let builder = Batcher::builder(id(), factory, options).warm_up(WarmUp::None);
    let batcher = Arc::new(builder.start()?);
    let request = || InferenceRequest::new(inputs("x", 1, 8));
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let (batcher, request) = (Arc::clone(&batcher), request());
            runtime.spawn(async move { batcher.predict(request).await })
        })
        .collect();
    while batcher.load().running_requests < 2 {
        std::thread::yield_now();
    }
    let late: Vec<_> = (0..requests)
        .map(|n| {
            let (batcher, request) = (Arc::clone(&batcher), request());
            runtime.spawn(async move {
                let deadline = Instant::now() + Duration::from_millis(10 + n % 500);
                let answer = batcher.predict(request.with_deadline(deadline)).await;
                assert!(matches!(answer, Err(Error::DeadlineExceeded { .. })), "{answer:?}");
                deadline.elapsed().as_secs_f64() * 1e3
            })
        })
        .collect();
    let mut times = Vec::new();
    for request in late {
        times.push(runtime.block_on(request)?);
    }
    times.sort_by(f64::total_cmp);
    for request in busy {
        drop(runtime.block_on(request)?);
    }
    Ok(times)
}

fn deadlines() -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..5 {
        rounds.push(lateness(2000)?);
    }
    let at = |share: f64| {
        let of_round = |times: &Vec<f64>| times[((times.len() - 1) as f64 * share) as usize];
        median(rounds.iter().map(of_round).collect())
    };
    println!("\n| deadlines, every session busy | median | p99 | last | bar |");
    println!("| --- | --- | --- | --- | --- |");
    println!(
        "| 2000 queued requests, told too late by | {:.2} ms | {:.2} ms | {:.2} ms | p99 5 ms |",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}

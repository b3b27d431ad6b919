//! The bars: each a ratio to a baseline in the same run. `cargo xtask bench` runs it.
#![expect(clippy::print_stdout, reason = "a program talks to its terminal")]

use std::{
    cell::RefCell,
    error::Error,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use benches::rounds::{Rounds, median};
use clap::{Parser, Subcommand};
use mlops_core::{
    inference::{InferenceRequest, InferenceSession, Predict, RunOptions},
    model::ModelId,
    ndarray::Array2,
    tensor::{NamedTensors, Tensor},
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::{
    batch::{Batcher, BatcherOptions, Placement},
    session::onnxruntime::{OnnxRuntime, OnnxSession, OnnxSessionFactory, SessionOptions},
};
use ort::value::TensorRef;
use tokio::runtime::Runtime;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bar: Bar,
}

#[derive(Subcommand)]
enum Bar {
    /// The session wrapper over a bare session
    Session(Places),
    /// The batcher, idle and saturated
    Batcher(Places),
}

#[derive(clap::Args)]
struct Places {
    /// The ONNX Runtime library
    library: PathBuf,
    /// The folder of the models
    models: PathBuf,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 21;

fn main() -> Result<()> {
    match Arguments::parse().bar {
        Bar::Session(places) => session(&places),
        Bar::Batcher(places) => batcher(&places),
    }
}

/// A model of the benchmarks.
struct Model {
    name: &'static str,
    width: usize,
    path: PathBuf,
}

impl Places {
    fn models(&self) -> [Model; 2] {
        [("small", 64), ("big", 512)].map(|(name, width)| {
            let path = self.models.join(name).join("1/model.onnx");
            Model { name, width, path }
        })
    }

    fn factory(&self, model: &Model) -> Result<OnnxSessionFactory> {
        let runtime = OnnxRuntime::load(&self.library)?;
        Ok(OnnxSessionFactory::from_file(&runtime, &model.path, SessionOptions::default()))
    }
}

/// Nanoseconds for a bare run of this many rows, over this many runs.
fn bare_nanos(session: &mut OnnxSession, rows: usize, width: usize, runs: usize) -> f64 {
    let input = vec![0.5_f32; rows * width];
    let session = session.bare();
    let started = Instant::now();
    for _ in 0..runs {
        let value = TensorRef::from_array_view(([rows, width], &input[..])).expect("a tensor");
        let outputs = session.run(ort::inputs![value]).expect("the run succeeds");
        std::hint::black_box(outputs[0].try_extract_tensor::<f32>().expect("floats").1[0]);
    }
    started.elapsed().as_nanos() as f64 / runs as f64
}

fn inputs(name: &str, rows: usize, width: usize) -> NamedTensors {
    NamedTensors::single(name, Tensor::from_array(Array2::from_elem((rows, width), 0.5_f32)))
}

// ---- session

fn session(places: &Places) -> Result<()> {
    println!("| session wrapper over bare `ort` | bare | added | ratio | bar |");
    println!("| --- | --- | --- | --- | --- |");
    for model in places.models() {
        // Both contestants share the session: another copy of the weights lies elsewhere in memory,
        // which makes more of a difference than the wrapper.
        let session = RefCell::new(places.factory(&model)?.open_session()?);
        for rows in [1, 8, 32, 64] {
            let inputs = inputs("input", rows, model.width);
            let options = RunOptions::default();
            let bare = |runs| bare_nanos(&mut session.borrow_mut(), rows, model.width, runs);
            bare(5);
            // Blocks as short as can be timed: the machine's speed drifts within milliseconds.
            let runs = (1e6 / bare(50)).max(1.0) as usize;
            let ours = || {
                let mut session = session.borrow_mut();
                let started = Instant::now();
                for _ in 0..runs {
                    let outputs = session.run(&inputs, &options).expect("the run succeeds");
                    std::hint::black_box(outputs);
                }
                started.elapsed().as_nanos() as f64 / runs as f64
            };
            let rounds = Rounds::measure(401, ours, || bare(runs));
            let bar = match (model.name, rows) {
                ("small", 1) => "+300 ns",
                ("small", 32 | 64) => "1.03",
                ("big", _) => "1.01",
                _ => "",
            };
            println!(
                "| {} MLP, {rows} rows | {:.2} µs | {:+.0} ns | {:.4} | {bar} |",
                model.name,
                rounds.theirs() / 1e3,
                rounds.difference(),
                rounds.ratio(),
            );
        }
    }
    Ok(())
}

// ---- batcher

fn id() -> ModelId {
    ModelId::new("bench".parse().expect("a name"), "1".parse().expect("a version"))
}

fn start(places: &Places, model: &Model, placement: Placement, max: usize) -> Result<Arc<Batcher>> {
    let options = BatcherOptions::default().with_placement(placement).with_max_batch_size(max);
    Ok(Arc::new(Batcher::start(id(), places.factory(model)?, options)?))
}

/// The median time of a call, called again and again by one task.
fn idle_micros<F, A>(runtime: &Runtime, calls: usize, call: F) -> f64
where
    F: Fn() -> A + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let task = runtime.spawn(async move {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let started = Instant::now();
            call().await;
            times.push(started.elapsed().as_nanos() as f64 / 1e3);
        }
        median(times)
    });
    runtime.block_on(task).expect("the task ends")
}

/// Rows answered in a second to `tasks` callers of `rows` rows each.
fn saturated(
    runtime: &Runtime,
    batcher: &Arc<Batcher>,
    tasks: usize,
    request: &NamedTensors,
    time: Duration,
) -> f64 {
    let rows = request.iter().next().and_then(|(_, tensor)| tensor.row_count()).unwrap_or(1);
    let started = Instant::now();
    let callers: Vec<_> = (0..tasks)
        .map(|_| {
            let (batcher, request) = (Arc::clone(batcher), request.clone());
            runtime.spawn(async move {
                let mut answered = 0;
                while started.elapsed() < time {
                    let request = InferenceRequest::new(request.clone());
                    batcher.predict(request).await.expect("an answer");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let answered: usize =
        callers.into_iter().map(|caller| runtime.block_on(caller).expect("the task ends")).sum();
    (answered * rows) as f64 / started.elapsed().as_secs_f64()
}

fn runtime(threads: usize) -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

fn batcher(places: &Places) -> Result<()> {
    let [small, big] = places.models();
    idle(places, &small)?;
    saturated_big(places, &big)?;
    saturated_small(places, &small)
}

fn idle(places: &Places, small: &Model) -> Result<()> {
    println!("\n| batcher idle, small MLP, 1 row | ours | baseline | compared | bar |");
    println!("| --- | --- | --- | --- | --- |");
    let runtime = runtime(2)?;
    let request = inputs("input", 1, small.width);
    let ask = |batcher: &Arc<Batcher>| {
        let (batcher, request) = (Arc::clone(batcher), request.clone());
        move || {
            let (batcher, request) = (Arc::clone(&batcher), InferenceRequest::new(request.clone()));
            async move { drop(batcher.predict(request).await.expect("an answer")) }
        }
    };
    let session = Arc::new(Mutex::new(places.factory(small)?.open_session()?));
    let direct = {
        let (session, request) = (Arc::clone(&session), request.clone());
        move || {
            let (session, request) = (Arc::clone(&session), request.clone());
            async move { run(&session, &request) }
        }
    };
    let blocking = {
        let (session, request) = (Arc::clone(&session), request.clone());
        move || {
            let (session, request) = (Arc::clone(&session), request.clone());
            async move {
                tokio::task::spawn_blocking(move || run(&session, &request))
                    .await
                    .expect("it ends");
            }
        }
    };
    let caller = start(places, small, Placement::CallerRuns, 32)?;
    let rounds = Rounds::measure(
        ROUNDS,
        || idle_micros(&runtime, 5000, ask(&caller)),
        || idle_micros(&runtime, 5000, direct.clone()),
    );
    println!(
        "| caller runs, over a session called directly | {:.2} µs | {:.2} µs | {:+.2} µs | +5 µs |",
        rounds.ours(),
        rounds.theirs(),
        rounds.difference()
    );
    let thread = start(places, small, Placement::Thread, 32)?;
    let rounds = Rounds::measure(
        ROUNDS,
        || idle_micros(&runtime, 2000, ask(&thread)),
        || idle_micros(&runtime, 2000, blocking.clone()),
    );
    println!(
        "| thread, over `spawn_blocking` | {:.1} µs | {:.1} µs | {:.3} | 1.5 |",
        rounds.ours(),
        rounds.theirs(),
        rounds.ratio()
    );
    Ok(())
}

fn run(session: &Mutex<impl InferenceSession>, request: &NamedTensors) {
    let mut session = session.lock().expect("no run panics");
    std::hint::black_box(session.run(request, &RunOptions::default()).expect("an answer"));
}

fn saturated_big(places: &Places, big: &Model) -> Result<()> {
    println!(
        "\n| batcher saturated, big MLP, 1-row requests | ours | bare, best batch | ratio | bar |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let runtime = runtime(1)?;
    let mut bare = places.factory(big)?.open_session()?;
    let max = 32;
    let batcher = start(places, big, Placement::Thread, max)?;
    let request = inputs("input", 1, big.width);
    for tasks in [2 * max, 4 * max] {
        let rounds = Rounds::measure(
            11,
            || saturated(&runtime, &batcher, tasks, &request, Duration::from_millis(700)),
            // The best of the batch sizes the batcher may form.
            || {
                [8, 16, max]
                    .map(|rows| rows as f64 * 1e9 / bare_nanos(&mut bare, rows, big.width, 60))
                    .into_iter()
                    .fold(0.0, f64::max)
            },
        );
        println!(
            "| max batch {max}, {tasks} callers | {:.0} rows/s | {:.0} rows/s | {:.3} | 0.90 |",
            rounds.ours(),
            rounds.theirs(),
            rounds.ratio()
        );
    }
    Ok(())
}

fn saturated_small(places: &Places, small: &Model) -> Result<()> {
    println!("\n| batcher saturated, small MLP | ours | baseline | ratio |");
    println!("| --- | --- | --- | --- |");
    let mut bare = places.factory(small)?.open_session()?;
    let one = runtime(1)?;
    let caller = start(places, small, Placement::CallerRuns, 64)?;
    let request = inputs("input", 64, small.width);
    let rounds = Rounds::measure(
        11,
        || saturated(&one, &caller, 4, &request, Duration::from_millis(300)),
        || 64e9 / bare_nanos(&mut bare, 64, small.width, 20_000),
    );
    println!(
        "| 64-row requests, caller runs, over bare | {:.2} M rows/s | {:.2} M rows/s | {:.3} |",
        rounds.ours() / 1e6,
        rounds.theirs() / 1e6,
        rounds.ratio()
    );
    for (placement, threads) in
        [(Placement::CallerRuns, 1), (Placement::Thread, 1), (Placement::CallerRuns, 2)]
    {
        let runtime = runtime(threads)?;
        let real = start(places, small, placement, 64)?;
        let options = BatcherOptions::default().with_placement(placement).with_max_batch_size(64);
        let mock = MockFactory::new(MockSession::identity(small.width));
        let free = Arc::new(Batcher::start(id(), mock, options)?);
        let (request, free_request) =
            (inputs("input", 1, small.width), inputs("x", 1, small.width));
        let time = Duration::from_millis(300);
        let rounds = Rounds::measure(
            11,
            || saturated(&runtime, &real, 128, &request, time),
            || saturated(&runtime, &free, 128, &free_request, time),
        );
        println!(
            "| 1-row requests, {placement:?}, {threads} runtime worker(s), over a free session | {:.2} M rows/s | {:.2} M rows/s | {:.3} |",
            rounds.ours() / 1e6,
            rounds.theirs() / 1e6,
            rounds.ratio()
        );
    }
    Ok(())
}

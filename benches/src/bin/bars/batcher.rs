//! What the batcher adds to a session: idle and saturated.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use benches::rounds::{Rounds, median};
use mlops_core::{
    inference::{InferenceRequest, InferenceSession, Predict, RunOptions},
    tensor::NamedTensors,
    testing::session::{MockFactory, MockSession},
};
use mlops_serve::batch::{Batcher, BatcherOptions, Placement};
use tokio::runtime::Runtime;

use crate::{Model, Places, Result, bare_nanos, id, inputs, runtime};

const ROUNDS: usize = 21;

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

pub(crate) fn run(places: &Places) -> Result<()> {
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
            async move { run_session(&session, &request) }
        }
    };
    let blocking = {
        let (session, request) = (Arc::clone(&session), request.clone());
        move || {
            let (session, request) = (Arc::clone(&session), request.clone());
            async move {
                tokio::task::spawn_blocking(move || run_session(&session, &request))
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

fn run_session(session: &Mutex<impl InferenceSession>, request: &NamedTensors) {
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
            "| max batch {max}, {tasks} callers | {:.0} rows/s | {:.0} rows/s | {:.3} | 0.95 |",
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

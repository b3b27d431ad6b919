//! The benchmarks, against the peers.

mod peers;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    command::{Result, cargo, command, execute, root, target},
    server::Server,
    setup,
};

const ROUNDS: usize = 5;
const SECONDS: &str = "3s";

/// What is compared with a bar; `peers` takes hours and is asked for by name.
const BARS: [&str; 5] = ["session", "batcher", "http", "generator", "tensors"];

/// Runs the named benchmarks; all of [`BARS`] without a name.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let ["peers", options @ ..] = names {
        return peers::run(options);
    }
    let wants = |name: &str| names.is_empty() || names.contains(&name);
    if let Some(unknown) = names.iter().find(|name| !BARS.contains(name)) {
        return Err(format!("no benchmark `{unknown}`: {}, peers", BARS.join(", ")).into());
    }
    let library = setup::library()?;
    let models = models()?;
    cargo(&["build", "--release", "--package", "benches", "--package", "examples"])?;
    for bar in ["session", "batcher"] {
        if wants(bar) {
            let bars = target().join("release/bars");
            execute(command(bars, &[bar]).arg(&library).arg(&models))?;
        }
    }
    if wants("http") {
        http(&library, &models)?;
    }
    if wants("generator") {
        execute(&mut command(target().join("release/generator"), &[]))?;
    }
    if wants("tensors") {
        cargo(&["bench", "--package", "benches", "--bench", "tensors"])?;
    }
    Ok(())
}

/// Makes the models, once for each version of the script.
fn models() -> Result<PathBuf> {
    let models = target().join("bench-models");
    let script = "benches/models/make_models.py";
    let stamp = models.join("script");
    let wanted = fs::read(root().join(script))?;
    if !fs::read(&stamp).is_ok_and(|have| have == wanted) {
        let python = setup::environment("python-bench", "benches/requirements.txt")?;
        execute(command(python, &[script]).arg(&models))?;
        fs::write(stamp, wanted)?;
    }
    Ok(models)
}

/// The server against the hand-written one, under `wrk`, in turn.
fn http(library: &Path, models: &Path) -> Result<()> {
    let mut ours = command(target().join("release/model_server"), &["--http", "127.0.0.1:0"]);
    ours.args(["--max-batch-size", "64", "--onnxruntime"]).arg(library).arg("--models").arg(models);
    let ours = Server::start(&mut ours)?;
    let mut theirs = command(target().join("release/axum_ort"), &[]);
    theirs.arg(library).arg(models).arg("127.0.0.1:0");
    let theirs = Server::start(&mut theirs)?;

    println!(
        "\n| OIP over HTTP, binary, 1 row, `wrk` | ours | hand-written | ratio | p99 ours | p99 theirs | bar |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (model, width) in [("small", "64"), ("big", "512")] {
        for connections in ["1", "32", "128"] {
            let (mut our_loads, mut their_loads, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let our = wrk(ours.url(), model, width, connections)?;
                let their = wrk(theirs.url(), model, width, connections)?;
                ratios.push(our.rate / their.rate);
                our_loads.push(our);
                their_loads.push(their);
            }
            println!(
                "| {model} MLP, {connections} connections | {:.0}/s | {:.0}/s | {:.3} | {} | {} | 0.85 |",
                median(our_loads.iter().map(|load| load.rate).collect()),
                median(their_loads.iter().map(|load| load.rate).collect()),
                median(ratios),
                middle(&our_loads),
                middle(&their_loads),
            );
        }
    }
    Ok(())
}

/// What `wrk` says.
struct Load {
    rate: f64,
    p99: String,
}

fn wrk(server: &str, model: &str, width: &str, connections: &str) -> Result<Load> {
    let url = format!("{server}/v2/models/{model}/infer");
    let output = command("wrk", &["-t1", "-c", connections, "-d", SECONDS, "--latency"])
        .args(["-s", "benches/wrk/infer.lua", &url, "--", width])
        .output()
        .map_err(|error| format!("wrk: {error}; `apt-get install wrk`"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("Non-2xx") || !output.status.success() {
        return Err(format!("wrk against {server}: {text}").into());
    }
    let after = |label: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(label));
        line.and_then(|line| line.split_whitespace().last()).ok_or(format!("no {label}: {text}"))
    };
    Ok(Load { rate: after("Requests/sec")?.parse()?, p99: after("99%")?.to_owned() })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The p99 of the round whose rate is the median.
fn middle(loads: &[Load]) -> &str {
    let mut order: Vec<&Load> = loads.iter().collect();
    order.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    &order[order.len() / 2].p99
}

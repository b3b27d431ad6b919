//! The benchmarks, against the peers.

mod peers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::{Result, cargo, command, execute, root, target},
    setup,
};

/// What is compared with a bar; `peers` takes hours, `score` and `drift` build polars: they are asked for by
/// name.
const BARS: [&str; 6] = ["session", "batcher", "queue", "http", "generator", "tensors"];

/// Runs the named benchmarks; all of [`BARS`] without a name.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let ["peers", options @ ..] = names {
        return peers::run(options);
    }
    match names {
        ["score"] => return score(),
        ["drift"] => return drift(),
        _ => {}
    }
    let wants = |name: &str| names.is_empty() || names.contains(&name);
    if let Some(unknown) = names.iter().find(|name| !BARS.contains(name)) {
        return Err(
            format!("no benchmark `{unknown}`: {}, drift, peers, score", BARS.join(", ")).into()
        );
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
    if wants("queue") {
        execute(&mut command(target().join("release/bars"), &["queue"]))?;
    }
    if wants("http") {
        execute(&mut placed("http", &library))?;
    }
    if wants("generator") {
        execute(&mut command(target().join("release/generator"), &[]))?;
    }
    if wants("tensors") {
        cargo(&["bench", "--package", "benches", "--bench", "tensors"])?;
    }
    Ok(())
}

/// Offline scoring, beside a loop in Python.
fn score() -> Result<()> {
    let library = setup::library()?;
    let model = models()?.join("small/1/model.onnx");
    let python = setup::environment("python-score", "benches/score/requirements.txt")?;
    let options = ["build", "--release", "--package", "examples", "--features", "polars"];
    cargo(&[&options[..], &["--bin", "score"]].concat())?;
    let mut compare = command(python, &["benches/score/compare.py"]);
    compare.arg(target().join("release/score")).arg(library).arg(model);
    execute(compare.arg(target().join("bench-score")))
}

/// Drift, on one core: beside what cannot be done without, and beside its peers in Python.
fn drift() -> Result<()> {
    let environment = |name: &str| {
        let folder = if name == "drift" { String::new() } else { format!("{name}/") };
        setup::environment(
            &format!("python-bench-{name}"),
            &format!("benches/drift/{folder}requirements.txt"),
        )
    };
    let python = environment("drift")?;
    let peers = [environment("evidently")?, environment("nannyml")?];
    cargo(&["build", "--release", "--package", "benches", "--bin", "drift"])?;
    let options = ["build", "--release", "--package", "examples", "--features", "polars"];
    cargo(&[&options[..], &["--bin", "drift_report"]].concat())?;
    let folder = target().join("bench-drift");
    execute(command(&python, &["benches/drift/make_data.py"]).arg(&folder))?;
    let program = target().join("release/drift");
    let on_one_core = |program: &Path| {
        let mut command = command("taskset", &["--cpu-list", "0"]);
        command.arg(program);
        command
    };
    execute(on_one_core(&program).arg("bars").arg(&folder))?;
    let mut compare = on_one_core(&python);
    compare.arg("benches/drift/compare.py").arg(&program);
    compare.arg(target().join("release/drift_report")).args(peers).arg(folder);
    execute(&mut compare)
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

/// A program of the benchmarks that starts servers and must know where everything is.
fn placed(program: &str, library: &Path) -> Command {
    let mut command = command(target().join("release").join(program), &[]);
    command.arg("--root").arg(root()).arg("--target").arg(target());
    command.arg("--library").arg(library);
    command
}

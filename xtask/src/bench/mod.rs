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

//! Other servers on the same models and loads.

use crate::{
    bench::{models, placed},
    command::{Result, cargo, command, execute, target},
    setup,
};

/// The peers written in Python, and a load generator that comes as a wheel: each in an environment
/// of its own.
const ENVIRONMENTS: [&str; 5] = ["triton", "mlserver", "bentoml", "litserve", "perf_analyzer"];

/// Prepares every peer, then compares them; `options` are those of the program `peers`.
pub(super) fn run(options: &[&str]) -> Result<()> {
    let library = setup::library()?;
    models()?;
    for name in ENVIRONMENTS {
        let requirements = format!("benches/peers/{name}/requirements.txt");
        setup::environment(&format!("peers/{name}"), &requirements)?;
    }
    cargo(&["build", "--release", "--package", "benches", "--package", "examples"])?;
    // Not a member of the workspace, and so with a build folder of its own.
    let manifest = "benches/peers/furnace/Cargo.toml";
    execute(
        command(env!("CARGO"), &["build", "--release", "--locked", "--manifest-path", manifest])
            .env("CARGO_TARGET_DIR", target().join("peers/furnace")),
    )?;
    execute(placed("peers", &library).args(options))
}

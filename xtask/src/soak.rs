//! What takes hours to show.

use crate::{
    command::{Result, cargo, command, execute, target},
    setup,
};

/// Runs the soak in full counts; `options` are those of the program `soak`.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let library = setup::library()?;
    cargo(&["build", "--release", "--package", "benches"])?;
    let soak = target().join("release/soak");
    execute(command(soak, &[]).arg("--library").arg(library).args(options))
}

/// Tries in full counts how often statistics alarm; `options` are those of the program `statistics`.
pub(crate) fn statistics(options: &[&str]) -> Result<()> {
    cargo(&["build", "--release", "--package", "benches", "--bin", "statistics"])?;
    execute(command(target().join("release/statistics"), &[]).args(options))
}

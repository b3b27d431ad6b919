//! The tests.

use crate::{
    command::{Result, cargo, is_installed},
    setup,
};

/// What is compiled in tests: every capability that needs no service and no special hardware.
pub(crate) const FEATURES: &str = "mlops-core/artifacts,mlops-core/testing,mlops-serve/http,mlops-serve/grpc,mlops-serve/shm,mlops-serve/prometheus,mlops-serve/tower,mlops-serve/tract,mlops-serve/remote,mlops-serve/nvml,mlops-serve/nats,mlops-serve/polars";

/// Every test of the first tier.
pub(crate) fn run() -> Result<()> {
    setup::library()?;
    setup::python()?;
    if is_installed("cargo-nextest", "--version") {
        cargo(&["nextest", "run", "--workspace", "--features", FEATURES])?;
    } else {
        cargo(&["test", "--workspace", "--features", FEATURES, "--lib", "--bins", "--tests"])?;
    }
    cargo(&["test", "--doc", "--workspace", "--features", FEATURES])
}

/// Tests that start other programs.
pub(crate) fn services() -> Result<()> {
    setup::library()?;
    setup::python()?;
    if !is_installed("promtool", "--version") {
        return Err("promtool is not installed: `cargo xtask setup --system` installs it".into());
    }
    cargo(&["test", "--package", "examples", "--features", "services", "--test", "services"])
}

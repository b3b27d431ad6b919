//! The tests.

use crate::{
    command::{Result, cargo, is_installed},
    setup,
};

/// What is compiled in tests: every capability that needs no service and no special hardware.
pub(crate) const FEATURES: &str = "mlops-core/artifacts,mlops-core/testing,mlops-serve/http,mlops-serve/grpc,mlops-serve/shm,mlops-serve/prometheus,mlops-serve/tower,mlops-serve/tract,mlops-serve/remote,mlops-serve/nvml,mlops-serve/nats,mlops-serve/polars,mlops-drift/html,mlops-drift/polars,mlops-drift/prometheus,mlops-drift/regex,mlops-drift/toml,mlops-drift/webhook,examples/polars";

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
    for program in ["promtool", "chromium"] {
        if !is_installed(program, "--version") {
            let advice = "`cargo xtask setup --system` installs it";
            return Err(format!("{program} is not installed: {advice}").into());
        }
    }
    cargo(&["test", "--package", "examples", "--features", "services", "--test", "services"])
}

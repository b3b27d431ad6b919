//! What must hold besides the tests.

use crate::{
    command::{Result, cargo, command, execute, is_installed},
    test::FEATURES,
};

/// Every feature of every crate, alone. A list, because "all features" hides one that only compiles
/// together with another.
const ALONE: [(&str, &[&str]); 3] = [
    ("mlops-core", &["", "artifacts", "nvml", "testing"]),
    ("mlops-drift", &["", "html", "polars", "prometheus", "regex", "toml", "webhook"]),
    (
        "mlops-serve",
        &[
            "",
            "onnxruntime",
            "onnxruntime-base",
            "cuda",
            "tensorrt",
            "http",
            "grpc",
            "shm",
            "prometheus",
            "tower",
            "tract",
            "remote",
            "nvml",
            "nats",
            "polars",
        ],
    ),
];

/// Checks formatting, lints, features and documentation.
pub(crate) fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    lint(&["--workspace", "--all-targets", "--features", FEATURES])?;
    lint(&["--package", "examples", "--all-targets", "--features", "services"])?;
    for (package, features) in ALONE {
        for feature in features {
            lint(&["--package", package, "--no-default-features", "--features", feature])?;
        }
    }
    run_with_warnings_denied(&["doc", "--workspace", "--no-deps", "--features", FEATURES])?;
    if is_installed("cargo-deny", "--version") {
        cargo(&["deny", "check", "bans", "licenses", "sources"])?;
    } else {
        eprintln!("cargo-deny is not installed: deny.toml was not checked");
    }
    Ok(())
}

fn lint(arguments: &[&str]) -> Result<()> {
    cargo(&[&["clippy", "--quiet"], arguments, &["--", "--deny", "warnings"]].concat())
}

fn run_with_warnings_denied(arguments: &[&str]) -> Result<()> {
    execute(command(env!("CARGO"), arguments).env("RUSTDOCFLAGS", "--deny warnings"))
}

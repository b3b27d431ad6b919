//! Generated code, which is committed.

use crate::command::{Result, cargo};

/// Writes the Rust code of the gRPC protocol. Needed only after its `.proto` has changed.
pub(crate) fn run() -> Result<()> {
    cargo(&["run", "--quiet", "--manifest-path", "xtask/generate/Cargo.toml"])?;
    cargo(&["fmt", "--all"])
}

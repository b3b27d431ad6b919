//! Short blocking work, off the threads of the runtime.

use mlops_core::{Error, Result};

/// Runs work that blocks on the file system. Needs a tokio runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::backend("blocking work", error)),
    }
}

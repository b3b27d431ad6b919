//! `tract`'s errors and panics in our words.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use mlops_core::{Error, Result};
use tract_onnx::prelude::{TractError, TractResult};

pub(super) const BACKEND: &str = "tract";

/// Runs `work` of `tract`, of which not every part returns its errors: some panic.
pub(super) fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(backend(&error)),
        Err(panic) => Err(panicked(&*panic)),
    }
}

/// The whole chain in one line: `tract` says in its sources what is wrong, and its errors are not
/// `std::error::Error`.
fn backend(error: &TractError) -> Error {
    Error::backend(BACKEND, format!("{error:#}"))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    // What `tract` asserts after each allocation of a tensor.
    if text.contains("failed to allocate") || text.contains("capacity overflow") {
        return Error::OutOfMemory { what: BACKEND };
    }
    Error::backend(BACKEND, format!("it panicked: {text}"))
}

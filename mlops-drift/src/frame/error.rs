//! What the data frame library's errors mean here.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use mlops_core::{Error, Result};
use polars::prelude::{PolarsError, PolarsResult};

/// What polars does, with its errors as this crate's.
///
/// It panics where a file has a type that it was built without: that is an error too.
pub(super) fn polars<T>(work: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(backend),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Error::backend("polars", said.unwrap_or("it panicked").to_owned()))
        }
    }
}

pub(super) fn backend(error: PolarsError) -> Error {
    match &error {
        PolarsError::IO { error: cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
            Error::not_found("file", error)
        }
        _ => Error::backend("polars", error),
    }
}

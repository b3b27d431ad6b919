//! What the data frame library's errors mean here.

use std::error::Error as StdError;

use mlops_core::Error;

pub(super) fn backend(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::backend("polars", error)
}

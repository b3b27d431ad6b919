//! An object store's errors in our words.

use std::fmt;

use crate::{Digest, Error, Result};

const BACKEND: &str = "object store";

/// The error of content that is not what it should be.
pub(super) fn check_digest(
    name: &dyn fmt::Display,
    actual: &Digest,
    expected: &Digest,
) -> Result<()> {
    if actual == expected {
        return Ok(());
    }
    let reason = format_args!("its content has {actual}, not {expected}");
    Err(Error::corrupt("artifact", name, reason))
}

pub(super) fn store_error(error: object_store::Error, name: &dyn fmt::Display) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::not_found("artifact", name),
        object_store::Error::AlreadyExists { .. } => Error::already_exists("artifact", name),
        other => Error::backend(BACKEND, other),
    }
}

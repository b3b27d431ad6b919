//! What the client's errors mean here.

use std::{error::Error as StdError, fmt::Display};

use async_nats::jetstream::{
    self, ErrorCode,
    context::{GetStreamByNameError, GetStreamByNameErrorKind, PublishError, PublishErrorKind},
};
use mlops_core::Error;

/// A failure that has no other meaning: it may be gone when tried again.
pub(super) fn unavailable(error: impl Display) -> Error {
    Error::unavailable("NATS", error)
}

pub(super) fn backend(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::backend("NATS", error)
}

/// Why a message for this subject was not taken. `size` is that of its content.
pub(super) fn publish(subject: &str, size: usize, limit: usize, error: &PublishError) -> Error {
    let too_large = || Error::TooLarge {
        what: "NATS message (bytes)",
        actual: u64::try_from(size).unwrap_or(u64::MAX),
        limit: u64::try_from(limit).unwrap_or(u64::MAX),
    };
    let said = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    match (error.kind(), said) {
        (PublishErrorKind::MaxPayloadExceeded, _) => too_large(),
        (_, Some(said)) if said.error_code() == ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => {
            too_large()
        }
        // There was a stream for it when it was opened: a full one, or a cluster without a leader, is not
        // the request's fault.
        _ => unavailable(format_args!("`{subject}`: {error}")),
    }
}

pub(super) fn stream_of(subject: &str, error: GetStreamByNameError) -> Error {
    match error.kind() {
        GetStreamByNameErrorKind::NotFound => no_stream(subject),
        GetStreamByNameErrorKind::InvalidSubject => {
            Error::invalid("subject", format_args!("`{subject}`: {error}"))
        }
        _ => unavailable(error),
    }
}

/// An answer that is not kept would be lost: a subject must belong to a stream.
fn no_stream(subject: &str) -> Error {
    Error::not_found("JetStream stream for subject", subject)
}

/// What the server says of a stream or consumer of this name.
pub(super) fn server(kind: &'static str, name: &str, error: &jetstream::Error) -> Error {
    match error.code() {
        404 => Error::not_found(kind, name),
        503 => unavailable(error),
        _ => Error::invalid(kind, format_args!("`{name}`: {error}")),
    }
}

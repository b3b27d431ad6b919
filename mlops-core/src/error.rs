//! The one error of every contract in this family.

use std::{error::Error as StdError, fmt, io, path::Path, sync::Arc, time::Duration};

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms of what the caller can do about it.
///
/// Every variant names the object it is about in its fields. `Display` is lower case, has no full
/// stop, and never repeats [`source`](StdError::source), so that a chained report says each thing
/// once. The error is `Clone`: one failed batch is answered to each of its callers, type intact.
///
/// Protocol crates translate by this table:
///
/// | variant | HTTP | gRPC | the caller should |
/// | --- | --- | --- | --- |
/// | [`InvalidTensor`](Self::InvalidTensor), [`InvalidArgument`](Self::InvalidArgument) | 400 | `INVALID_ARGUMENT` | mend the request |
/// | [`NotFound`](Self::NotFound) | 404 | `NOT_FOUND` | check the name |
/// | [`AlreadyExists`](Self::AlreadyExists) | 409 | `ALREADY_EXISTS` | choose another name, or use what is there |
/// | [`Conflict`](Self::Conflict) | 409 | `ABORTED` | read again, decide again |
/// | [`Refused`](Self::Refused) | 403 | `FAILED_PRECONDITION` | satisfy the reasons given |
/// | [`TooLarge`](Self::TooLarge) | 413 | `RESOURCE_EXHAUSTED` | send less at once |
/// | [`Unsupported`](Self::Unsupported) | 501 | `UNIMPLEMENTED` | use another feature |
/// | [`Overloaded`](Self::Overloaded) | 503 + `Retry-After` | `RESOURCE_EXHAUSTED` | retry later |
/// | [`Unavailable`](Self::Unavailable), [`Closed`](Self::Closed) | 503 | `UNAVAILABLE` | retry elsewhere or later |
/// | [`DeadlineExceeded`](Self::DeadlineExceeded) | 504 | `DEADLINE_EXCEEDED` | allow more time |
/// | [`Cancelled`](Self::Cancelled) | 499 | `CANCELLED` | nothing: it asked for this |
/// | [`Corrupt`](Self::Corrupt) | 500 | `DATA_LOSS` | restore the object |
/// | [`OutOfMemory`](Self::OutOfMemory) | 500 | `RESOURCE_EXHAUSTED` | send less, or give more memory |
/// | [`Backend`](Self::Backend) | 500 | `INTERNAL` | read the source |
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such object.
    #[error("{kind} `{name}` not found")]
    NotFound {
        /// What kind of object, for instance `model`.
        kind: &'static str,
        /// Its name, and where it was looked for if that helps.
        name: Arc<str>,
    },
    /// The object is there already and must not be overwritten.
    #[error("{kind} `{name}` already exists")]
    AlreadyExists {
        /// What kind of object.
        kind: &'static str,
        /// Its name.
        name: Arc<str>,
    },
    /// Somebody else changed the object since the caller looked at it.
    #[error("{kind} `{name}` was changed meanwhile: {reason}")]
    Conflict {
        /// What kind of object.
        kind: &'static str,
        /// Its name.
        name: Arc<str>,
        /// The state the caller expected, and the one that was found.
        reason: Box<str>,
    },
    /// A gate or policy said no.
    #[error("{what} was refused: {}", Joined(reasons))]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// Every reason, at least one.
        reasons: Arc<[Box<str>]>,
    },
    /// A tensor is missing, unknown, or not of the type or shape that the model declares.
    #[error("tensor `{tensor}`: expected {expected}, got {actual}")]
    InvalidTensor {
        /// The tensor's name.
        tensor: Arc<str>,
        /// What the model declares.
        expected: Box<str>,
        /// What came.
        actual: Box<str>,
    },
    /// An argument other than a named tensor is wrong.
    #[error("invalid {what}: {reason}")]
    InvalidArgument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it, and what would be right.
        reason: Box<str>,
    },
    /// More was sent at once than the receiver takes.
    #[error("{what} of {actual} is over the limit of {limit}")]
    TooLarge {
        /// What is too large, with its unit, for instance `batch (rows)`.
        what: &'static str,
        /// How large it is.
        actual: u64,
        /// How large it may be.
        limit: u64,
    },
    /// Correct, but not something this implementation does.
    #[error("{what} does not support {feature}")]
    Unsupported {
        /// Who does not support it.
        what: &'static str,
        /// What is not supported.
        feature: Box<str>,
    },
    /// Stored data is damaged.
    #[error("{kind} `{name}` is corrupt: {reason}")]
    Corrupt {
        /// What kind of object.
        kind: &'static str,
        /// Its name.
        name: Arc<str>,
        /// What does not add up.
        reason: Box<str>,
    },
    /// A bounded queue is full.
    #[error("{what} is full (limit {limit})")]
    Overloaded {
        /// Which queue, with the unit of its limit.
        what: &'static str,
        /// The limit that was reached.
        limit: u64,
        /// When trying again may help, if known.
        retry_after: Option<Duration>,
    },
    /// The request's deadline passed before its answer was there.
    #[error("deadline exceeded after {elapsed:?}")]
    DeadlineExceeded {
        /// Time since the request was accepted.
        elapsed: Duration,
    },
    /// The caller asked for the work to stop.
    #[error("cancelled")]
    Cancelled,
    /// An allocation failed, on the host or on a device.
    #[error("{what} ran out of memory")]
    OutOfMemory {
        /// Who ran out of memory.
        what: &'static str,
    },
    /// Not ready now; may be later.
    #[error("{what} is unavailable: {reason}")]
    Unavailable {
        /// What is unavailable.
        what: &'static str,
        /// Why, with the object's name.
        reason: Box<str>,
    },
    /// Shut down; will not come back.
    #[error("{what} is shut down")]
    Closed {
        /// What was shut down.
        what: &'static str,
    },
    /// An engine, store or service below failed in its own way.
    #[error("{backend} failed")]
    Backend {
        /// Which engine, for instance `onnxruntime`.
        backend: &'static str,
        /// Its own error.
        source: Arc<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// [`Error::NotFound`] for an object of this kind and name.
    pub fn not_found(kind: &'static str, name: impl fmt::Display) -> Self {
        Self::NotFound { kind, name: name.to_string().into() }
    }

    /// [`Error::AlreadyExists`] for an object of this kind and name.
    pub fn already_exists(kind: &'static str, name: impl fmt::Display) -> Self {
        Self::AlreadyExists { kind, name: name.to_string().into() }
    }

    /// [`Error::InvalidArgument`] for this argument.
    pub fn invalid(what: &'static str, reason: impl fmt::Display) -> Self {
        Self::InvalidArgument { what, reason: reason.to_string().into() }
    }

    /// [`Error::InvalidTensor`] for the tensor of this name.
    pub fn invalid_tensor(
        tensor: impl Into<Arc<str>>,
        expected: impl fmt::Display,
        actual: impl fmt::Display,
    ) -> Self {
        Self::InvalidTensor {
            tensor: tensor.into(),
            expected: expected.to_string().into(),
            actual: actual.to_string().into(),
        }
    }

    /// [`Error::Unsupported`] feature of `what`.
    pub fn unsupported(what: &'static str, feature: impl fmt::Display) -> Self {
        Self::Unsupported { what, feature: feature.to_string().into() }
    }

    /// [`Error::Corrupt`] for an object of this kind and name.
    pub fn corrupt(kind: &'static str, name: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::Corrupt { kind, name: name.to_string().into(), reason: reason.to_string().into() }
    }

    /// [`Error::Unavailable`] for this object and reason.
    pub fn unavailable(what: &'static str, reason: impl fmt::Display) -> Self {
        Self::Unavailable { what, reason: reason.to_string().into() }
    }

    /// [`Error::Backend`] with the engine's own error as its source.
    pub fn backend(
        backend: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Backend { backend, source: Arc::from(source.into()) }
    }

    /// What became of a file operation: [`Error::NotFound`], [`Error::AlreadyExists`], or
    /// [`Error::Backend`] whose source names the path.
    pub fn file(path: impl AsRef<Path>, error: io::Error) -> Self {
        let path = path.as_ref().display();
        match error.kind() {
            io::ErrorKind::NotFound => Self::not_found("file", path),
            io::ErrorKind::AlreadyExists => Self::already_exists("file", path),
            _ => {
                let path = path.to_string().into();
                Self::backend("file system", FileError { path, source: error })
            }
        }
    }

    /// The variant's name in snake case: a label for metrics and logs, stable across releases.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::AlreadyExists { .. } => "already_exists",
            Self::Conflict { .. } => "conflict",
            Self::Refused { .. } => "refused",
            Self::InvalidTensor { .. } => "invalid_tensor",
            Self::InvalidArgument { .. } => "invalid_argument",
            Self::TooLarge { .. } => "too_large",
            Self::Unsupported { .. } => "unsupported",
            Self::Corrupt { .. } => "corrupt",
            Self::Overloaded { .. } => "overloaded",
            Self::DeadlineExceeded { .. } => "deadline_exceeded",
            Self::Cancelled => "cancelled",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::Unavailable { .. } => "unavailable",
            Self::Closed { .. } => "closed",
            Self::Backend { .. } => "backend",
        }
    }

    /// True for an object that is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// True when the same request may succeed later without anybody mending anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::Unavailable { .. } | Self::Conflict { .. })
    }

    /// True when the request itself is at fault: no server state would have made it succeed.
    #[must_use]
    pub fn is_invalid_request(&self) -> bool {
        matches!(
            self,
            Self::InvalidTensor { .. } | Self::InvalidArgument { .. } | Self::TooLarge { .. }
        )
    }

    /// The message of this error and of every source below it, joined by `: `.
    ///
    /// For places that can carry only one line, such as a protocol's error body.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

/// A failed file operation, with the path that the operating system's error leaves out.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`")]
struct FileError {
    path: Box<str>,
    source: io::Error,
}

/// Shows reasons separated by semicolons.
struct Joined<'a>(&'a [Box<str>]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, reason) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            f.write_str(reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_never_repeats_the_source() {
        let error = Error::backend("store", std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "store failed");
        assert_eq!(error.report(), "store failed: disk on fire");
    }

    #[test]
    fn reasons_are_all_shown() {
        let reasons = [Box::from("accuracy 0.1 < 0.9"), Box::from("no card")];
        let error = Error::Refused { what: "promotion", reasons: Arc::from(reasons) };
        assert_eq!(error.to_string(), "promotion was refused: accuracy 0.1 < 0.9; no card");
    }

    #[test]
    fn stays_small_enough_to_return_by_value() {
        assert!(size_of::<Error>() <= 64, "{}", size_of::<Error>());
    }
}

//! [`BatchObserver`].

use std::{fmt::Debug, sync::Arc};

use mlops_core::{Error, inference::Timings};

/// Sees every batch that ran.
///
/// # Contract
/// [`observe`](Self::observe) MUST return at once and MUST NOT panic: it runs on the session's
/// thread.
pub trait BatchObserver: Debug + Send + Sync + 'static {
    /// Takes note of one batch.
    fn observe(&self, record: &BatchRecord<'_>);
}

/// One batch that ran.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct BatchRecord<'a> {
    /// Requests in it.
    pub requests: usize,
    /// Rows in it.
    pub rows: usize,
    /// Why it was run when it was.
    pub release: Release,
    /// Bytes of the inputs that were run; without those of byte strings, which have no fixed size.
    pub input_bytes: usize,
    /// How many of them were added to make the inputs alike, or the batch of an allowed size.
    pub padding_bytes: usize,
    /// Where its time went; without the queue, in which each request has its own.
    pub timings: Timings,
    /// What went wrong, if anything did.
    pub error: Option<&'a Error>,
}

/// Why a batch was run when it was, and not later with more in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Release {
    /// It was full.
    Full,
    /// It had reached a preferred size.
    PreferredSize,
    /// A request had waited as long as it may.
    Delay,
    /// A session was free, and waiting for more would not have paid.
    SessionFree,
    /// The batcher is closed: no more will come.
    Shutdown,
    /// It is a part of one that failed.
    Retry,
}

impl Release {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 6] = [
        Self::Full,
        Self::PreferredSize,
        Self::Delay,
        Self::SessionFree,
        Self::Shutdown,
        Self::Retry,
    ];

    /// The variant's name in snake case: a label for metrics, stable across releases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::PreferredSize => "preferred_size",
            Self::Delay => "delay",
            Self::SessionFree => "session_free",
            Self::Shutdown => "shutdown",
            Self::Retry => "retry",
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<O: BatchObserver + ?Sized> BatchObserver for Arc<O> {
    fn observe(&self, record: &BatchRecord<'_>) {
        (**self).observe(record);
    }
}

const _: Option<&dyn BatchObserver> = None;

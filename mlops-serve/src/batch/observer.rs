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
    /// Where its time went; without the queue, in which each request has its own.
    pub timings: Timings,
    /// What went wrong, if anything did.
    pub error: Option<&'a Error>,
}

#[deny(clippy::missing_trait_methods)]
impl<O: BatchObserver + ?Sized> BatchObserver for Arc<O> {
    fn observe(&self, record: &BatchRecord<'_>) {
        (**self).observe(record);
    }
}

const _: Option<&dyn BatchObserver> = None;

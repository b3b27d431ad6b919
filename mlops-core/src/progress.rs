//! [`Progress`]: how long work reports how far it is.

use std::{fmt::Debug, sync::Arc};

/// Receives how far a piece of long work has come: bytes copied, images sent, rows scored.
///
/// Binaries implement it with a progress bar; libraries call it and never print.
///
/// # Contract
/// 1. Methods MUST return at once and MUST NOT panic: they are called in the middle of the work.
/// 2. They MUST accept calls from any thread, and calls after [`finish`](Progress::finish).
pub trait Progress: Debug + Send + Sync {
    /// Sets how much there is to do in all; `None` if that is not known.
    fn set_total(&self, total: Option<u64>);

    /// Says that `amount` more is done.
    fn advance(&self, amount: u64);

    /// Says that no more will come.
    fn finish(&self);
}

/// Ignores all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn set_total(&self, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn finish(&self) {}
}

#[deny(clippy::missing_trait_methods)]
impl<P: Progress + ?Sized> Progress for Arc<P> {
    fn set_total(&self, total: Option<u64>) {
        (**self).set_total(total);
    }

    fn advance(&self, amount: u64) {
        (**self).advance(amount);
    }

    fn finish(&self) {
        (**self).finish();
    }
}

const _: Option<&dyn Progress> = None;

//! [`Sampled`].

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    Error, Result,
    observe::{Interest, PredictionObserver, PredictionRecord},
    random::RandomKey,
};

/// Shows a random share of the predictions to another observer.
#[derive(Debug)]
pub struct Sampled<O> {
    inner: O,
    share: f64,
    key: RandomKey,
    seen: AtomicU64,
}

impl<O: PredictionObserver> Sampled<O> {
    /// Shows a `share` (0 to 1) of the predictions to `inner`; which ones depends on `key` and on
    /// their order of arrival alone.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `share` is not a number from 0 to 1.
    pub fn new(inner: O, share: f64, key: RandomKey) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::invalid("sampling share", format!("{share} is not from 0 to 1")));
        }
        Ok(Self { inner, share, key, seen: AtomicU64::new(0) })
    }
}

#[deny(clippy::missing_trait_methods)]
impl<O: PredictionObserver> PredictionObserver for Sampled<O> {
    fn interest(&self) -> Interest {
        self.inner.interest()
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        let counter = self.seen.fetch_add(1, Ordering::Relaxed);
        if self.key.stream(counter).next_unit() < self.share {
            self.inner.observe(record);
        }
    }
}

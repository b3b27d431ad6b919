//! [`PredictionObserver`].

use std::{fmt::Debug, sync::Arc};

use crate::observe::PredictionRecord;

/// Sees every prediction of a model: a drift monitor, a trace store, a set of metrics.
///
/// # Contract
/// 1. [`observe`](Self::observe) MUST return at once: it runs on the path of the request. An
///    observer that does I/O owns a bounded queue and counts what it drops.
/// 2. It MUST NOT panic.
/// 3. [`interest`](Self::interest) MUST be the same for the life of the value.
pub trait PredictionObserver: Debug + Send + Sync + 'static {
    /// What it needs to see.
    fn interest(&self) -> Interest;

    /// Takes note of one prediction.
    fn observe(&self, record: &PredictionRecord<'_>);
}

/// What a [`PredictionObserver`] needs to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// Model, result, timings and context: inputs are not kept for it.
    Metadata,
    /// The inputs too, which are kept (not copied) until the answer is there.
    Tensors,
}

#[deny(clippy::missing_trait_methods)]
impl<O: PredictionObserver + ?Sized> PredictionObserver for Arc<O> {
    fn interest(&self) -> Interest {
        (**self).interest()
    }

    fn observe(&self, record: &PredictionRecord<'_>) {
        (**self).observe(record);
    }
}

const _: Option<&dyn PredictionObserver> = None;

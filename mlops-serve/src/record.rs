//! [`RequestRecorder`]: what a protocol tells of requests that reach no model.

use std::{fmt::Debug, sync::Arc};

use mlops_core::{Error, model::ModelId};

/// Takes note of requests that a protocol refuses before a model sees them: an unknown model, a
/// malformed body. Requests that do reach a model are seen by its
/// [`PredictionObserver`](mlops_core::observe::PredictionObserver)s; so each is seen once.
///
/// # Contract
/// It MUST return at once and MUST NOT panic.
pub trait RequestRecorder: Debug + Send + Sync + 'static {
    /// A request for this model (`None`: for one that is not known) was refused.
    fn refused(&self, model: Option<&Arc<ModelId>>, error: &Error);
}

/// Takes no notes.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecorder;

impl RequestRecorder for NoRecorder {
    fn refused(&self, _: Option<&Arc<ModelId>>, _: &Error) {}
}

#[deny(clippy::missing_trait_methods)]
impl<R: RequestRecorder + ?Sized> RequestRecorder for Arc<R> {
    fn refused(&self, model: Option<&Arc<ModelId>>, error: &Error) {
        (**self).refused(model, error);
    }
}

const _: Option<&dyn RequestRecorder> = None;

//! [`Outcome`].

use std::{fmt::Debug, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// What turned out to be true about a prediction: the label that comes minutes or months later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The [id](crate::inference::RequestContext::id) of the request it is about.
    pub request_id: Arc<str>,
    /// When it was known.
    pub time: Timestamp,
    /// What it was.
    pub value: OutcomeValue,
}

/// The value of an [`Outcome`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutcomeValue {
    /// The true class of a classification.
    Class(Arc<str>),
    /// The true value of a regression, or a score.
    Number(f64),
    /// Whether the prediction was right, where that is all that is known.
    Correct(bool),
}

/// Sees outcomes as they become known.
///
/// # Contract
/// As for [`PredictionObserver`](crate::observe::PredictionObserver): it MUST return at once and
/// MUST NOT panic.
pub trait OutcomeObserver: Debug + Send + Sync + 'static {
    /// Takes note of one outcome.
    fn observe(&self, outcome: &Outcome);
}

#[deny(clippy::missing_trait_methods)]
impl<O: OutcomeObserver + ?Sized> OutcomeObserver for Arc<O> {
    fn observe(&self, outcome: &Outcome) {
        (**self).observe(outcome);
    }
}

const _: Option<&dyn OutcomeObserver> = None;

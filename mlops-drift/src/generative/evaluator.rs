//! [`Evaluator`]: what can be computed of a text.

use std::{fmt::Debug, sync::Arc};

use super::{Exchange, Score, ScoreSpec};

/// Computes scores of an [`Exchange`]: deterministic, without I/O. What asks a model is a
/// [`Judge`](super::Judge).
///
/// # Contract
/// 1. [`scores`](Self::scores) and [`version`](Self::version) MUST be the same for the life of the value.
/// 2. [`evaluate`](Self::evaluate) MUST give one score, or `None`, for each of `scores`, in their order, of
///    their kind and within its bounds.
/// 3. The same exchange MUST get the same scores.
/// 4. The version MUST change with anything that may change a score: code, settings, word lists.
/// 5. Time MUST be bounded by a constant times the length of the texts: they come from outside.
pub trait Evaluator: Debug + Send + Sync + 'static {
    /// What it gives.
    fn scores(&self) -> &[ScoreSpec];

    /// Which version of it this is, settings included.
    fn version(&self) -> &str;

    /// The scores of an exchange; `None` where nothing can be said, such as of the language of a text without
    /// words.
    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>>;
}

#[deny(clippy::missing_trait_methods)]
impl<E: Evaluator + ?Sized> Evaluator for Arc<E> {
    fn scores(&self) -> &[ScoreSpec] {
        (**self).scores()
    }

    fn version(&self) -> &str {
        (**self).version()
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        (**self).evaluate(exchange)
    }
}

const _: Option<&dyn Evaluator> = None;

//! [`Characters`].

use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// The share of a response's characters that are not letters, white space aside: `non_letter_share`. Code,
/// tables and noise have many. None for a response without characters.
#[derive(Debug, Clone)]
pub struct Characters([ScoreSpec; 1]);

impl Characters {
    /// The evaluator.
    #[must_use]
    pub fn new() -> Self {
        Self([ScoreSpec::new("non_letter_share", ScoreKind::Bounded)])
    }
}

impl Default for Characters {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluator for Characters {
    fn scores(&self) -> &[ScoreSpec] {
        &self.0
    }

    fn version(&self) -> &str {
        "1"
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        let (mut all, mut others) = (0_usize, 0_usize);
        for character in exchange.response.chars().filter(|character| !character.is_whitespace()) {
            all += 1;
            others += usize::from(!character.is_alphabetic());
        }
        vec![(all > 0).then(|| Score::Bounded(others as f64 / all as f64))]
    }
}

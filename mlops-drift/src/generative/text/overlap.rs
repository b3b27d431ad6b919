//! [`ContextOverlap`].

use std::collections::HashSet;

use super::words::{is_word_alone, word_hash, words};
use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// The share of a response's words that occur in the context it was to answer from: `context_overlap`. None
/// without a context, or without such words.
///
/// A cheap stand-in for groundedness, not a measure of it: words of a paraphrase are not found, and a false
/// sentence made of the context's words scores 1. What it shows is change: a model that stops using its context
/// falls. Words of fewer than four letters are left out, because they are everywhere.
#[derive(Debug, Clone)]
pub struct ContextOverlap([ScoreSpec; 1]);

/// Letters of a word that counts; of Chinese and Japanese every character does.
const MIN_LETTERS: usize = 4;

impl ContextOverlap {
    /// The evaluator.
    #[must_use]
    pub fn new() -> Self {
        Self([ScoreSpec::new("context_overlap", ScoreKind::Bounded)])
    }
}

impl Default for ContextOverlap {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluator for ContextOverlap {
    fn scores(&self) -> &[ScoreSpec] {
        &self.0
    }

    fn version(&self) -> &str {
        "1"
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        let Some(context) = exchange.context else { return vec![None] };
        let known: HashSet<u64> = content_words(context).collect();
        let (mut all, mut found) = (0_usize, 0_usize);
        for word in content_words(exchange.response) {
            all += 1;
            found += usize::from(known.contains(&word));
        }
        vec![(all > 0).then(|| Score::Bounded(found as f64 / all as f64))]
    }
}

fn content_words(text: &str) -> impl Iterator<Item = u64> {
    let counts = |word: &&str| {
        word.starts_with(is_word_alone) || word.chars().nth(MIN_LETTERS - 1).is_some()
    };
    words(text).filter(counts).map(word_hash)
}

//! [`Repetition`].

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use mlops_core::{Error, Result};

use super::words::{word_hash, words};
use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// How much a response repeats itself: the share of its n-grams of words that occurred before in it,
/// `1 - distinct / all`, as in "rep-n" of Welleck et al. (2020), "Neural Text Generation with Unlikelihood
/// Training". A model that is stuck in a loop comes near 1. None for a response of fewer than `n` words.
///
/// Words are compared without their case.
#[derive(Debug, Clone)]
pub struct Repetition {
    n: usize,
    score: [ScoreSpec; 1],
    version: Box<str>,
}

impl Repetition {
    /// Of n-grams of this many words, 4 as a rule. The score is `repetition`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `n` is not from 1 to 16.
    pub fn new(n: usize) -> Result<Self> {
        if !(1..=16).contains(&n) {
            return Err(Error::invalid("words of an n-gram", format!("{n} is not from 1 to 16")));
        }
        let score = [ScoreSpec::new("repetition", ScoreKind::Bounded)];
        Ok(Self { n, score, version: format!("1 n={n}").into() })
    }
}

impl Evaluator for Repetition {
    fn scores(&self) -> &[ScoreSpec] {
        &self.score
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        let hashes: Vec<u64> = words(exchange.response).map(word_hash).collect();
        let mut seen = HashSet::new();
        let repeated = hashes.windows(self.n).filter(|gram| {
            let mut hasher = DefaultHasher::new();
            gram.hash(&mut hasher);
            !seen.insert(hasher.finish())
        });
        let repeated = repeated.count();
        let all = (hashes.len() + 1).saturating_sub(self.n);
        vec![(all > 0).then(|| Score::Bounded(repeated as f64 / all as f64))]
    }
}

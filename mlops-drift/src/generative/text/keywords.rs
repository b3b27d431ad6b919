//! [`Keywords`].

use std::collections::BTreeSet;

use mlops_core::{Error, Result};

use super::{version::versioned, words::words};
use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// How many words of a response are on a list that the host brings: insults, names of competitors, whatever
/// should not be there. No list comes with this crate.
///
/// Whole words, cased in any way; `ass` does not find `class`. A word that is disguised is not found.
#[derive(Debug, Clone)]
pub struct Keywords {
    words: BTreeSet<Box<str>>,
    /// Bytes of the longest.
    longest: usize,
    score: [ScoreSpec; 1],
    version: Box<str>,
}

/// Words on a list at most.
const MAX_WORDS: usize = 100_000;

impl Keywords {
    /// A list of words, and what the score is called.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an empty list, one of more than 100 000, and an entry that is not one
    /// word, naming it.
    pub fn new<'a>(name: &str, list: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("keywords", reason));
        let mut keywords: BTreeSet<Box<str>> = BTreeSet::new();
        for entry in list {
            if !words(entry).eq([entry]) {
                return invalid(format!("`{entry}` is not one word"));
            }
            keywords.insert(lower(entry).into());
            if keywords.len() > MAX_WORDS {
                return invalid(format!("more than {MAX_WORDS} words"));
            }
        }
        if keywords.is_empty() {
            return invalid("there are none".to_owned());
        }
        let version = versioned(1, keywords.iter().map(|word| &**word));
        let longest = keywords.iter().map(|word| word.len()).max().unwrap_or(0);
        let score = [ScoreSpec::new(name, ScoreKind::Number)];
        Ok(Self { words: keywords, longest, score, version })
    }
}

impl Evaluator for Keywords {
    fn scores(&self) -> &[ScoreSpec] {
        &self.score
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        // Lower case takes no less than a third of the bytes.
        let found = words(exchange.response)
            .filter(|word| word.len() <= 3 * self.longest)
            .filter(|word| self.words.contains(lower(word).as_str()));
        vec![Some(Score::count(found.count()))]
    }
}

fn lower(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect()
}

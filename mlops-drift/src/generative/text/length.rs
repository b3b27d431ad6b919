//! [`Length`].

use super::words::words;
use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// How long a response is: `response_characters` (Unicode scalar values), `response_words`, and
/// `response_sentences`.
///
/// A word is a run of letters and digits; of Chinese and Japanese, each character is one. A sentence ends with
/// `.`, `!`, `?` or `…` before a space or the end, or with `。`, `！` or `？`; what follows the last end is
/// one more, if it has a word. So an abbreviation in the middle counts as an end: it is a figure to compare, not
/// grammar.
#[derive(Debug, Clone)]
pub struct Length([ScoreSpec; 3]);

impl Length {
    /// The evaluator.
    #[must_use]
    pub fn new() -> Self {
        let spec = |name: &str| ScoreSpec::new(name, ScoreKind::Number);
        Self(["response_characters", "response_words", "response_sentences"].map(spec))
    }
}

impl Default for Length {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluator for Length {
    fn scores(&self) -> &[ScoreSpec] {
        &self.0
    }

    fn version(&self) -> &str {
        "1"
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        let text = exchange.response;
        let counts = [text.chars().count(), words(text).count(), sentences(text)];
        counts.map(|count| Some(Score::count(count))).to_vec()
    }
}

fn sentences(text: &str) -> usize {
    let (mut count, mut has_word) = (0, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        has_word |= character.is_alphanumeric();
        let ends = match character {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' => {
                characters.peek().is_none_or(|next| next.is_whitespace() || is_closing(*next))
            }
            _ => false,
        };
        if ends && has_word {
            (count, has_word) = (count + 1, false);
        }
    }
    count + usize::from(has_word)
}

/// What may stand between the end of a sentence and the space after it.
fn is_closing(character: char) -> bool {
    matches!(character, '"' | '\'' | ')' | ']' | '»' | '”' | '’' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end() {
        for (text, expected) in [
            ("", 0),
            ("...", 0),
            ("One", 1),
            ("One. Two! Three?", 3),
            ("One... Two?! And", 3),
            ("Pi is 3.14. \"Yes.\" (No.)", 3),
            ("今日は。元気？はい", 3),
        ] {
            assert_eq!(sentences(text), expected, "{text}");
        }
    }
}

//! [`Language`].

use super::{
    script::Script,
    stop_words::{CYRILLIC, LATIN},
    words::words,
};
use crate::generative::{Evaluator, Exchange, Score, ScoreKind, ScoreSpec};

/// Which script and language a response is in.
///
/// | score | |
/// | --- | --- |
/// | `script` | the script of most of its letters, by ISO 15924: `Latn`, `Cyrl`, `Hani`, …; none without letters |
/// | `script_share` | the share of its letters that are of that script |
/// | `language` | a guess, by ISO 639-1; `und` if nothing speaks for one |
///
/// Latin and Cyrillic are told apart by counting stop words among the first 2000 words: English, German, French,
/// Spanish, Italian, Portuguese, Dutch, Russian and Ukrainian. The one with the most wins if at least one word
/// in twenty, and three in all, are of its own, and more than any other's. Greek, Hebrew, Thai, Korean,
/// Japanese (one letter in twenty is kana) and Chinese have scripts of their own. Everything else is `und`: a
/// short answer, a list of names, code, and every language that is not named here. Related languages that are
/// not, such as Catalan or Danish, may be taken for one that is.
#[derive(Debug, Clone)]
pub struct Language([ScoreSpec; 3]);

/// Words that are looked at for a guess.
const LOOKED_AT: usize = 2000;
/// Stop words that are too few to say anything.
const MIN_HITS: usize = 3;
/// One word in so many must be a stop word, or one letter a kana.
const ONE_IN: usize = 20;
/// The longest stop word has fewer bytes.
const MAX_BYTES: usize = 24;

impl Language {
    /// The evaluator.
    #[must_use]
    pub fn new() -> Self {
        Self([
            ScoreSpec::new("script", ScoreKind::Category),
            ScoreSpec::new("script_share", ScoreKind::Bounded),
            ScoreSpec::new("language", ScoreKind::Category),
        ])
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluator for Language {
    fn scores(&self) -> &[ScoreSpec] {
        &self.0
    }

    fn version(&self) -> &str {
        "1"
    }

    fn evaluate(&self, exchange: &Exchange<'_>) -> Vec<Option<Score>> {
        let text = exchange.response;
        let mut letters = [0_usize; Script::COUNT];
        for letter in text.chars().filter(|character| character.is_alphabetic()) {
            letters[Script::of(letter) as usize] += 1;
        }
        let all: usize = letters.iter().sum();
        // The first of equals, so that the same text has the same script.
        let most = Script::ALL.into_iter().rev().max_by_key(|script| letters[*script as usize]);
        let Some(script) = most.filter(|_| all > 0) else {
            return vec![None, None, Some(Score::category("und"))];
        };
        let share = letters[script as usize] as f64 / all as f64;
        let kana = letters[Script::Kana as usize];
        let language = match script {
            Script::Latin => by_stop_words(text, &LATIN),
            Script::Cyrillic => by_stop_words(text, &CYRILLIC),
            Script::Kana | Script::Han if kana * ONE_IN >= all => "ja",
            Script::Han => "zh",
            Script::Hangul => "ko",
            Script::Greek => "el",
            Script::Hebrew => "he",
            Script::Thai => "th",
            _ => "und",
        };
        vec![
            Some(Score::category(script.code())),
            Some(Score::Bounded(share)),
            Some(Score::category(language)),
        ]
    }
}

fn by_stop_words<const N: usize>(
    text: &str,
    languages: &[(&'static str, &[&str]); N],
) -> &'static str {
    let mut hits = [0_usize; N];
    let mut all = 0;
    let mut lower = String::new();
    for word in words(text).take(LOOKED_AT) {
        all += 1;
        if word.len() >= MAX_BYTES {
            continue;
        }
        lower.clear();
        lower.extend(word.chars().flat_map(char::to_lowercase));
        for (hits, (_, stop_words)) in hits.iter_mut().zip(languages) {
            *hits += usize::from(stop_words.contains(&lower.as_str()));
        }
    }
    let most = hits.iter().copied().max().unwrap_or(0);
    let mut best = hits.iter().zip(languages).filter(|(hits, _)| **hits == most);
    match (best.next(), best.next()) {
        (Some((_, (language, _))), None) if most >= MIN_HITS && most * ONE_IN >= all => language,
        _ => "und",
    }
}

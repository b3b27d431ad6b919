//! Words of a text, in any language, without a dictionary.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The words of a text: runs of letters and digits, apostrophes within them included (`don't` is one).
/// Chinese, Japanese and Thai are written without spaces: of the first two each character is a word, of
/// Thai a run of letters.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !is_of_word(character))
        .map(|word| word.trim_matches(['\'', '’']))
        .flat_map(|word| Pieces { rest: word })
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '\'' | '’')
}

/// Splits ideographs off, each by itself.
struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.rest.chars().next()?;
        let end = if is_word_alone(first) {
            first.len_utf8()
        } else {
            self.rest.find(is_word_alone).unwrap_or(self.rest.len())
        };
        let (piece, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(piece)
    }
}

/// Kana and Chinese characters.
pub(super) fn is_word_alone(character: char) -> bool {
    matches!(character,
        '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// A number that stands for a word, however its letters are cased and its apostrophes are typed.
pub(super) fn word_hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for character in word.chars().flat_map(char::to_lowercase) {
        let character = if character == '’' { '\'' } else { character };
        character.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_script() {
        for (text, expected) in [
            ("", vec![]),
            (" .,! '' ", vec![]),
            ("Don't stop, it’s 3.5!", vec!["Don't", "stop", "it’s", "3", "5"]),
            ("'quoted' naïve-ly", vec!["quoted", "naïve", "ly"]),
            ("привет, мир", vec!["привет", "мир"]),
            ("東京へ行く2回", vec!["東", "京", "へ", "行", "く", "2", "回"]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn case_and_apostrophes_do_not_matter() {
        assert_eq!(word_hash("DON’T"), word_hash("don't"));
        assert_ne!(word_hash("do"), word_hash("don"));
    }
}

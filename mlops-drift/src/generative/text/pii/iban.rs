//! International bank account numbers.

use super::{begins, is_word};

pub(super) fn end(text: &str, place: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let country = bytes.get(place..place + 2)?;
    if !begins(text, place) || !country.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let (_, length) = LENGTHS.iter().find(|(code, _)| code.as_bytes() == country)?;
    let mut characters = Vec::with_capacity(*length);
    let mut at = place;
    while characters.len() < *length {
        // Groups of four with a space between them, as on paper.
        let is_between = characters.len() % 4 == 0 && !characters.is_empty();
        at += usize::from(is_between && bytes.get(at) == Some(&b' '));
        let character = *bytes.get(at)?;
        if !character.is_ascii_digit() && !character.is_ascii_uppercase() {
            return None;
        }
        characters.push(character);
        at += 1;
    }
    (!is_word(text, at) && has_right_digits(&characters)).then_some(at)
}

/// ISO 7064, MOD 97-10: with the first four characters at the end and letters as 10 to 35, the remainder of the
/// number by 97 is 1.
fn has_right_digits(iban: &[u8]) -> bool {
    if !iban[2..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let remainder =
        iban[4..].iter().chain(&iban[..4]).fold(0_u32, |remainder, character| match character {
            b'0'..=b'9' => (remainder * 10 + u32::from(character - b'0')) % 97,
            _ => (remainder * 100 + u32::from(character - b'A') + 10) % 97,
        });
    remainder == 1
}

/// Characters of an IBAN, by country (the SWIFT IBAN registry).
const LENGTHS: [(&str, usize); 76] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

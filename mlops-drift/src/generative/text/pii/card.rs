//! Numbers of payment cards.

use super::{begins, digits, is_word};

/// Digits of the longest number (ISO/IEC 7812).
const MAX_DIGITS: usize = 19;

pub(super) fn end(text: &str, place: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if !matches!(bytes[place], b'2'..=b'6') || !begins(text, place) || continues(bytes, place) {
        return None;
    }
    let found = digits(text, place, b" -", MAX_DIGITS);
    // The longest that ends where a group does: other numbers may follow.
    let numbers: Vec<u8> = found.iter().map(|(digit, _)| *digit).collect();
    let ends = (0..found.len()).rev().filter(|last| {
        let (_, end) = found[*last];
        !is_word(text, end)
    });
    let mut ends = ends.filter(|last| is_card(&numbers[..=*last]));
    ends.next().map(|last| found[last].1)
}

/// Whether digits come before, with a dash between: this is the rest of another number.
fn continues(text: &[u8], place: usize) -> bool {
    place >= 2 && text[place - 1] == b'-' && text[place - 2].is_ascii_digit()
}

fn is_card(number: &[u8]) -> bool {
    let prefix = |digits: usize| {
        number.iter().take(digits).fold(0_u32, |prefix, digit| prefix * 10 + u32::from(*digit))
    };
    let length = number.len();
    let is_issued = match number.first() {
        // Visa.
        Some(4) => matches!(length, 13 | 16 | 19),
        // Mastercard.
        Some(5) => (51..=55).contains(&prefix(2)) && length == 16,
        Some(2) => (2221..=2720).contains(&prefix(4)) && length == 16,
        Some(3) => match prefix(2) {
            // American Express.
            34 | 37 => length == 15,
            // Diners Club.
            36 | 38 | 39 => (14..=19).contains(&length),
            30 => prefix(3) <= 305 && (14..=19).contains(&length),
            // JCB.
            35 => (3528..=3589).contains(&prefix(4)) && (16..=19).contains(&length),
            _ => false,
        },
        // Discover and UnionPay.
        Some(6) => {
            let is_discover =
                prefix(4) == 6011 || (644..=649).contains(&prefix(3)) || prefix(2) == 65;
            (is_discover || prefix(2) == 62) && (16..=19).contains(&length)
        }
        _ => false,
    };
    is_issued && luhn(number)
}

/// The check digit of ISO/IEC 7812, annex B: every second digit from the right is doubled.
fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

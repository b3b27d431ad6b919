//! Telephone numbers.

use super::{begins, digits, is_word};

/// Digits of an international number, without the `+` (ITU-T E.164).
const MAX_DIGITS: usize = 15;
const MIN_DIGITS: usize = 8;
const SEPARATORS: &[u8] = b" -./()";

pub(super) fn end(text: &str, place: usize) -> Option<usize> {
    match text.as_bytes()[place] {
        b'+' if begins(text, place) => international(text, place + 1),
        b'(' | b'2'..=b'9' if begins_number(text, place) => north_american(text, place),
        _ => None,
    }
}

/// Whether no digits come before, neither at once nor after a separator; a `1-` may.
fn begins_number(text: &str, place: usize) -> bool {
    let Some(before) = place.checked_sub(1) else { return true };
    if !begins(text, place) {
        return false;
    }
    let Some(earlier) = before.checked_sub(1) else { return true };
    let bytes = text.as_bytes();
    let is_joined = matches!(bytes[before], b'-' | b'.' | b'/') && bytes[earlier].is_ascii_digit();
    let is_country = bytes[earlier] == b'1' && begins(text, earlier);
    !is_joined || is_country
}

/// What follows `+`: a country and a number. A bracket may stand beside another separator, as in
/// `+49 (0) 30`.
fn international(text: &str, place: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if !matches!(bytes.get(place), Some(b'1'..=b'9')) {
        return None;
    }
    let (mut count, mut end, mut at, mut between) = (0, place, place, 0);
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            (count, end, between) = (count + 1, at + 1, 0);
            if count > MAX_DIGITS {
                return None;
            }
        } else if SEPARATORS.contains(byte) && between < 2 {
            between += 1;
        } else {
            break;
        }
        at += 1;
    }
    (count >= MIN_DIGITS && !is_word(text, end)).then_some(end)
}

/// Ten digits as `(212) 555-0123`, `212-555-0123` or `212.555.0123`; neither area nor exchange begins with 0
/// or 1.
fn north_american(text: &str, place: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let has_bracket = bytes[place] == b'(';
    let area = place + usize::from(has_bracket);
    let group = |at: usize, length: usize| {
        let digits = digits(text, at, b"", length);
        (digits.len() == length).then(|| digits[0].0)
    };
    let mut at = area + 3;
    if group(area, 3)? < 2 {
        return None;
    }
    let separator = if has_bracket {
        at += match bytes.get(at..at + 2)? {
            b") " => 2,
            [b')', _] => 1,
            _ => return None,
        };
        b'-'
    } else {
        let separator = *bytes.get(at).filter(|byte| matches!(byte, b'-' | b'.'))?;
        at += 1;
        separator
    };
    if group(at, 3)? < 2 || bytes.get(at + 3) != Some(&separator) {
        return None;
    }
    group(at + 4, 4)?;
    let end = at + 8;
    // More of the same would be something else.
    let goes_on = matches!(bytes.get(end), Some(b'-' | b'.'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    (!is_word(text, end) && !goes_on).then_some(end)
}

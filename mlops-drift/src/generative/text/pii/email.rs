//! Addresses of e-mail.

use super::begins;

/// RFC 5321, section 4.5.3.1.
const MAX_LOCAL: usize = 64;
/// Of a host name, and of one of its labels.
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

pub(super) fn end(text: &str, place: usize) -> Option<usize> {
    if !begins_local(text, place) {
        return None;
    }
    let text = text.as_bytes();
    let local = run(text, place, MAX_LOCAL + 1, is_local);
    let at = place + local;
    let is_well_formed = |local: &[u8]| {
        local.len() <= MAX_LOCAL
            && local.last() != Some(&b'.')
            && !local.windows(2).any(|pair| pair == b"..")
    };
    if text.get(at) != Some(&b'@') || !is_well_formed(&text[place..at]) {
        return None;
    }
    host_end(text, at + 1)
}

/// Only where a whole local part may begin, so that each is looked at once.
fn begins_local(text: &str, place: usize) -> bool {
    let bytes = text.as_bytes();
    let first = bytes[place];
    let before = place.checked_sub(1).map(|before| bytes[before]);
    // A full stop or a dash before it is of the sentence.
    (first.is_ascii_alphanumeric() || first == b'_')
        && begins(text, place)
        && before.is_none_or(|before| !matches!(before, b'_' | b'%' | b'+' | b'@'))
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

fn host_end(text: &[u8], place: usize) -> Option<usize> {
    let host = run(text, place, MAX_HOST, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')
    });
    // A full stop or a dash after it is of the sentence.
    let mut host = &text[place..place + host];
    while let [rest @ .., b'.' | b'-'] = host {
        host = rest;
    }
    let labels = host.split(|byte| *byte == b'.');
    let is_label = |label: &[u8]| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    let last = host.rsplit(|byte| *byte == b'.').next()?;
    let is_top =
        last.len() >= 2 && last.iter().all(u8::is_ascii_alphabetic) || last.starts_with(b"xn--");
    let is_host = is_top && labels.clone().count() >= 2 && labels.clone().all(is_label);
    is_host.then_some(place + host.len())
}

/// How many bytes from this place on are such, at most so many.
fn run(text: &[u8], place: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
    text[place..].iter().take(most).take_while(|byte| is(**byte)).count()
}

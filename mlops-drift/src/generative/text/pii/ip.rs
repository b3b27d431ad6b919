//! Addresses of the Internet Protocol.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::is_word;

/// An IPv6 address with an IPv4 one in it.
const MAX_BYTES: usize = 45;

pub(super) fn end(text: &[u8], place: usize) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    // Only at the first byte of what could be one, so that each is looked at once.
    let is_inside = place > 0 && (is_part(&text[place - 1]) || is_word(text, place - 1));
    if is_inside || !is_part(&text[place]) {
        return None;
    }
    let length = text[place..].iter().take(MAX_BYTES + 1).take_while(|byte| is_part(byte)).count();
    if length > MAX_BYTES || is_word(text, place + length) {
        return None;
    }
    let mut address = str::from_utf8(&text[place..place + length]).ok()?;
    // What ends a sentence is not of the address.
    address = address.trim_end_matches('.');
    if !address.ends_with("::") {
        address = address.trim_end_matches(':');
    }
    // A port may follow.
    let v4 = address.split_once(':').map_or(address, |(host, _)| host);
    if v4.parse::<Ipv4Addr>().is_ok() {
        return Some(place + v4.len());
    }
    // `a::b` is a name in many programs.
    let is_v6 =
        address.bytes().any(|byte| byte.is_ascii_digit()) && address.parse::<Ipv6Addr>().is_ok();
    is_v6.then_some(place + address.len())
}

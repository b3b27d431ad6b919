//! Addresses of the Internet Protocol.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{begins, is_word};

/// An IPv6 address with an IPv4 one in it.
const MAX_BYTES: usize = 45;

pub(super) fn end(text: &str, place: usize) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    let bytes = text.as_bytes();
    // Only at the first byte of what could be one, so that each is looked at once.
    let is_inside = place > 0 && is_part(&bytes[place - 1]);
    if !is_part(&bytes[place]) || is_inside || !begins(text, place) {
        return None;
    }
    let length = bytes[place..].iter().take(MAX_BYTES + 1).take_while(|byte| is_part(byte)).count();
    if length > MAX_BYTES || is_word(text, place + length) {
        return None;
    }
    let mut address = &text[place..place + length];
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

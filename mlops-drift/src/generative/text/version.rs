//! Versions of evaluators that a list is a part of.

use mlops_core::Digest;

/// The version of the code, with how long the list is and a digest of it.
pub(super) fn versioned<'a>(version: u32, list: impl Iterator<Item = &'a str>) -> Box<str> {
    let list: Vec<_> = list.collect();
    // Lengths as well, so that no two lists are the same bytes.
    let bytes: String = list.iter().map(|item| format!("{} {item} ", item.len())).collect();
    let digest = Digest::of(bytes.as_bytes()).to_hex();
    format!("{version} of {} {}", list.len(), &digest[..16]).into()
}

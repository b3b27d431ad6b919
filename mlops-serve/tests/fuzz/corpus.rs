//! The corpus of a target, and what is close to it.

use std::{fs, path::Path};

/// Every file of a corpus, cut short at each byte, and with each byte altered, left out or doubled.
pub(crate) fn edits(target: &str) -> impl Iterator<Item = Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/__fuzz__").join(target);
    let files: Vec<_> = fs::read_dir(folder.join("corpus")).unwrap().collect();
    assert!(!files.is_empty(), "{target} has no corpus");
    files.into_iter().flat_map(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        (0..bytes.len()).flat_map(move |at| edits_at(&bytes, at))
    })
}

fn edits_at(bytes: &[u8], at: usize) -> impl Iterator<Item = Vec<u8>> + use<> {
    let with = |middle: &[u8]| [&bytes[..at], middle, &bytes[at + 1..]].concat();
    let byte = bytes[at];
    let replaced = [byte ^ 1, byte ^ 0x80, byte.wrapping_add(1), 0, 0xff].map(|new| with(&[new]));
    replaced.into_iter().chain([with(&[]), with(&[byte, byte]), bytes[..at].to_vec()])
}

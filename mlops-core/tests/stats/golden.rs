//! The golden values, and how close to them is close.

use std::sync::LazyLock;

use serde_json::Value;

/// Each case of this name.
pub(crate) fn cases(name: &str) -> &'static [Value] {
    static GOLDEN: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("golden.json")).unwrap());
    let cases = GOLDEN[name].as_array().unwrap();
    assert!(!cases.is_empty(), "{name}");
    cases
}

/// The case as that many numbers.
pub(crate) fn numbers<const N: usize>(case: &Value) -> [f64; N] {
    list(case).try_into().unwrap()
}

pub(crate) fn list(value: &Value) -> Vec<f64> {
    let number = |value: &Value| match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap(),
    };
    value.as_array().unwrap().iter().map(number).collect()
}

pub(crate) fn counts<const N: usize>(value: &Value) -> [u64; N] {
    let counts = value.as_array().unwrap().iter().map(|count| count.as_u64().unwrap());
    counts.collect::<Vec<_>>().try_into().unwrap()
}

/// Panics unless `found` is `expected` up to this part of it.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, relative: f64, what: impl std::fmt::Debug) {
    // Where doubles run out of digits, scipy gives 0.
    let vanishing = (0.0..1e-300).contains(&found) && (0.0..1e-300).contains(&expected);
    let near =
        vanishing || found == expected || (found - expected).abs() <= relative * expected.abs();
    assert!(
        near,
        "{what:?}: found {found:e}, expected {expected:e}, {:e} off",
        found / expected - 1.0
    );
}

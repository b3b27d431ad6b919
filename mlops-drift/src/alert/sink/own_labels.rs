//! The labels of a figure or an alert as Prometheus and its Alertmanager take them.

use std::collections::BTreeMap;

/// Labels that mean something there, whether or not a series has them.
const TAKEN: [&str; 5] = ["alertname", "kind", "model", "severity", "version"];

/// The labels under names that Prometheus allows, that are not taken, and of which no two are the same.
pub(super) fn own_labels(labels: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut own: Vec<(String, String)> = Vec::with_capacity(labels.len());
    for (name, value) in labels {
        let mut name = allowed(name);
        while TAKEN.contains(&name.as_str()) || own.iter().any(|(other, _)| *other == name) {
            name.insert(0, '_');
        }
        own.push((name, value.clone()));
    }
    own
}

/// The name with everything that cannot be in a label's made a `_`.
fn allowed(name: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut label: String =
        name.chars().map(|character| if allowed(character) { character } else { '_' }).collect();
    if !label.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        label.insert(0, '_');
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_allowed_and_differ() {
        for (names, expected) in [
            (&["feature", "Feature_2"][..], &["Feature_2", "feature"][..]),
            (&["top-1 größe"], &["top_1_gr__e"]),
            (&["2nd", ""], &["_", "_2nd"]),
            (&["model", "severity"], &["_model", "_severity"]),
            (&["a-b", "a.b", "a_b"], &["a_b", "_a_b", "__a_b"]),
        ] {
            let labels = names.iter().map(|name| (name.to_string(), String::new())).collect();
            let own: Vec<_> = own_labels(&labels).into_iter().map(|(name, _)| name).collect();
            assert_eq!(own, expected);
        }
    }
}

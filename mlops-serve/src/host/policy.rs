//! [`VersionPolicy`].

use std::{collections::BTreeSet, num::NonZeroUsize};

use mlops_core::{
    Error, Result,
    model::{ModelName, ModelVersion},
};
use serde::{Deserialize, Serialize};

/// Which of the versions there are of a model are served (Triton's `version_policy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionPolicy {
    /// This many of the newest, or as many as there are.
    Latest(NonZeroUsize),
    /// Every one.
    All,
    /// These, all of which must be there.
    Specific(BTreeSet<ModelVersion>),
}

impl Default for VersionPolicy {
    /// The newest.
    fn default() -> Self {
        Self::Latest(NonZeroUsize::MIN)
    }
}

impl VersionPolicy {
    /// The versions to serve, of those that are there.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or a specific one is missing.
    pub fn select(
        &self,
        name: &ModelName,
        available: &BTreeSet<ModelVersion>,
    ) -> Result<BTreeSet<ModelVersion>> {
        let selected = match self {
            Self::Latest(count) => available.iter().rev().take(count.get()).copied().collect(),
            Self::All => available.clone(),
            Self::Specific(wanted) => {
                if let Some(missing) = wanted.difference(available).next() {
                    let id = format_args!("{name}/{missing}");
                    return Err(Error::not_found("model version", id));
                }
                wanted.clone()
            }
        };
        if selected.is_empty() {
            return Err(Error::not_found("model version", format_args!("{name} (any)")));
        }
        Ok(selected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(numbers: &[u64]) -> BTreeSet<ModelVersion> {
        numbers.iter().copied().map(ModelVersion::new).collect()
    }

    #[test]
    fn selects_as_it_says() {
        let latest = |count| VersionPolicy::Latest(NonZeroUsize::new(count).unwrap());
        let specific = |numbers| VersionPolicy::Specific(versions(numbers));
        type Numbers = &'static [u64];
        let cases: [(VersionPolicy, Numbers, Option<Numbers>); 10] = [
            (VersionPolicy::default(), &[1, 10, 9], Some(&[10])),
            (latest(2), &[1, 10, 9], Some(&[9, 10])),
            (latest(5), &[1, 2], Some(&[1, 2])),
            (latest(1), &[], None),
            (VersionPolicy::All, &[3, 1], Some(&[1, 3])),
            (VersionPolicy::All, &[], None),
            (specific(&[1, 3]), &[1, 2, 3], Some(&[1, 3])),
            (specific(&[1, 4]), &[1, 2, 3], None),
            (specific(&[]), &[1, 2, 3], None),
            (specific(&[1]), &[], None),
        ];
        let name = "m".parse().unwrap();
        for (policy, available, expected) in cases {
            match (policy.select(&name, &versions(available)), expected) {
                (Ok(selected), Some(expected)) => {
                    assert_eq!(selected, versions(expected), "{policy:?} of {available:?}");
                }
                (Err(error), None) => assert!(error.is_not_found(), "{error}"),
                (result, _) => panic!("{policy:?} of {available:?}: {result:?}"),
            }
        }
    }

    #[test]
    fn a_missing_version_is_named() {
        let error = VersionPolicy::Specific(versions(&[7]))
            .select(&"m".parse().unwrap(), &versions(&[1]))
            .unwrap_err();
        assert!(error.to_string().contains("m/7"), "{error}");
    }
}

//! [`Alias`].

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A movable name for one version of a model, such as `champion`.
///
/// MLflow's rules: 1 to 256 ASCII letters, digits, `_` or `-`; not `latest` and not `v` followed by
/// digits, in any case, because those read as versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Alias(Arc<str>);

impl Alias {
    /// A checked alias.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] saying which rule it breaks.
    pub fn new(alias: impl Into<Arc<str>>) -> Result<Self> {
        let alias = alias.into();
        let invalid = |reason: &str| Err(Error::invalid("alias", format!("{alias:?} {reason}")));
        if alias.is_empty() || alias.len() > 256 {
            return invalid("is not 1 to 256 characters long");
        }
        if let Some(refused) =
            alias.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        {
            return invalid(&format!("contains {refused:?}"));
        }
        let digits = alias.strip_prefix(['v', 'V']);
        if alias.eq_ignore_ascii_case("latest")
            || digits.is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
            })
        {
            return invalid("is reserved: it reads as a version");
        }
        Ok(Self(alias))
    }

    /// The alias as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Alias {
    type Err = Error;

    fn from_str(alias: &str) -> Result<Self> {
        Self::new(alias)
    }
}

impl TryFrom<String> for Alias {
    type Error = Error;

    fn try_from(alias: String) -> Result<Self> {
        Self::new(alias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_alias_is_refused() {
        let long = "a".repeat(257);
        for alias in ["", &long, "a b", "a.b", "a/b", "é", "latest", "LATEST", "v1", "V20"] {
            assert!(Alias::new(alias).is_err(), "{alias:?}");
        }
    }

    #[test]
    fn ordinary_aliases_are_taken() {
        for alias in ["champion", "v", "v1-rc", "latest_2", "_", "7"] {
            assert_eq!(Alias::new(alias).unwrap().as_str(), alias);
        }
    }
}

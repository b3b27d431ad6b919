//! [`ModelName`].

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The name of a registered model.
///
/// 1 to 250 bytes, without `/`, `:`, `@`, `\` or control characters, not `.` or `..`, and without
/// white space at either end: it is a path segment in URLs, in artifact stores and on disk, and a
/// part of [`ModelRef`](crate::model::ModelRef)s.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// The longest name in bytes.
    pub const MAX_BYTES: usize = 250;

    /// A checked name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] saying which rule it breaks.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self> {
        let name = name.into();
        let invalid =
            |reason: &str| Err(Error::invalid("model name", format!("{name:?} {reason}")));
        if name.is_empty() || name.len() > Self::MAX_BYTES {
            return invalid("is not 1 to 250 bytes long");
        }
        if let Some(refused) = name.chars().find(|c| "/:@\\".contains(*c) || c.is_control()) {
            return invalid(&format!("contains {refused:?}"));
        }
        if name.trim() != &*name {
            return invalid("starts or ends with white space");
        }
        if matches!(&*name, "." | "..") {
            return invalid("is a directory, not a name");
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for ModelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<String> for ModelName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_name_is_refused() {
        let long = "n".repeat(251);
        for name in [
            "", &long, "a/b", "a:b", "a@b", "a\\b", "a\nb", "a\0", "\u{7f}", "\u{85}", " a", "a\t",
            ".", "..",
        ] {
            let error = ModelName::new(name).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { what: "model name", .. }), "{name:?}");
            assert!(serde_json::from_value::<ModelName>(name.into()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn ordinary_names_are_taken() {
        let long = "n".repeat(250);
        for name in ["digits", "fraud v2", "käse", "a.b-c_d", "...", &long] {
            assert_eq!(ModelName::new(name).unwrap().as_str(), name);
        }
    }
}

//! [`RelativePath`].

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A path inside a package or an artifact store: relative, `/` between segments, no way out.
///
/// Segments are not empty, `.` or `..`, and hold no `\`, `:` or control characters, so the path
/// means the same on every system and in every object store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RelativePath(Arc<str>);

impl RelativePath {
    /// This path with `child` below it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the result is too long.
    pub fn join(&self, child: &Self) -> Result<Self> {
        format!("{self}/{child}").parse()
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for RelativePath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        let refused = |segment: &str| {
            matches!(segment, "" | "." | "..")
                || segment.contains(['\\', ':'])
                || segment.chars().any(char::is_control)
        };
        if path.len() > 1024 || path.split('/').any(refused) {
            let reason = format!("{path:?} is not a plain relative path of at most 1024 bytes");
            return Err(Error::invalid("path", reason));
        }
        Ok(Self(path.into()))
    }
}

impl TryFrom<String> for RelativePath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        path.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let long = "a/".repeat(512) + "a";
        for path in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a\\b", "c:a", "a\nb", &long]
        {
            assert!(path.parse::<RelativePath>().is_err(), "{path:?}");
        }
        for path in ["a", "a/b.onnx", "...", "weights é/0001"] {
            assert_eq!(path.parse::<RelativePath>().unwrap().as_str(), path);
        }
    }
}

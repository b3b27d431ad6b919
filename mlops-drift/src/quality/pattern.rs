//! [`Pattern`]: a regular expression, if the cargo feature `regex` is there.

use mlops_core::{Error, Result};

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    #[cfg(feature = "regex")]
    regex: regex::Regex,
}

impl Pattern {
    /// # Errors
    /// [`Error::InvalidArgument`] for what is no regular expression, or compiles to more than the crate
    /// `regex` takes (10 MB); [`Error::Unsupported`] without the cargo feature.
    #[cfg(feature = "regex")]
    pub(super) fn new(pattern: &str) -> Result<Self> {
        let regex = regex::Regex::new(pattern);
        Ok(Self { regex: regex.map_err(|error| Error::invalid("pattern", error))? })
    }

    /// # Errors
    /// [`Error::Unsupported`].
    #[cfg(not(feature = "regex"))]
    pub(super) fn new(_: &str) -> Result<Self> {
        Err(Error::unsupported("mlops-drift without its cargo feature `regex`", "`matches`"))
    }

    /// True if it is found in the text.
    #[cfg(feature = "regex")]
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Is never asked: there are no patterns.
    #[cfg(not(feature = "regex"))]
    pub(super) fn is_match(&self, _: &str) -> bool {
        false
    }
}

//! [`ModelVersion`].

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The number a registry gives to each version of a model: 1, 2, 3, …, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelVersion(u64);

impl ModelVersion {
    /// The version of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ModelVersion {
    type Err = Error;

    /// Reads decimal digits only: no sign, no spaces.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: String| Error::invalid("model version", reason);
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid(format!("{text:?} is not a whole number")));
        }
        text.parse().map(Self).map_err(|error: ParseIntError| invalid(format!("{text:?}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digits_only() {
        assert_eq!("42".parse::<ModelVersion>().unwrap(), ModelVersion::new(42));
        for text in ["", "+1", "-1", " 1", "1.0", "0x1", "18446744073709551616", "١"] {
            assert!(text.parse::<ModelVersion>().is_err(), "{text:?}");
        }
    }
}

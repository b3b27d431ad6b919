//! [`Verdict`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is to be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There is one that chance does not explain and that is large enough to matter.
    Drift,
    /// There is none of that size.
    NoDrift,
    /// There are too few rows to tell.
    Insufficient,
    /// The two cannot be compared: a feature is missing, or of another kind.
    Error,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drift => "drift",
            Self::NoDrift => "no drift",
            Self::Insufficient => "insufficient data",
            Self::Error => "error",
        })
    }
}

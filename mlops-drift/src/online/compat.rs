//! [`Compat`].

use serde::{Deserialize, Serialize};

/// Whose behaviour a detector reproduces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// Nobody's: what its documentation defines.
    #[default]
    None,
    /// river 0.23's, index for index, mistakes included. Values that are not finite are ignored here
    /// too, while river takes them and never recovers.
    River,
}

//! [`Direction`].

use serde::{Deserialize, Serialize};

/// Which changes a detector looks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To larger values.
    Up,
    /// To smaller values.
    Down,
    /// Either.
    #[default]
    Both,
}

impl Direction {
    pub(super) fn has_up(self) -> bool {
        self != Self::Down
    }

    pub(super) fn has_down(self) -> bool {
        self != Self::Up
    }
}

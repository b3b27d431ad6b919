//! [`MonitorOptions`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Window;
use crate::compare::CompareOptions;

/// How a [`Monitor`](super::Monitor) cuts live data into windows, and what is drift in one.
///
/// # When a window is closed
/// By the first collection that knows of a row seen `lateness` after the window's end, or that is itself so
/// long after it as `max_delay` says: windows end in a gap of traffic too, and have no rows then. A row that
/// comes after its window was closed is [counted](super::MonitorLosses::late_rows) and in no window. A row
/// that claims to be of the future closes nothing, so that one wrong clock does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MonitorOptions {
    /// The windows.
    pub window: Window,
    /// How much older than the newest row one may be and still be counted in its window. Each multiple of
    /// the window's step that this is long takes the memory of one more profile.
    pub lateness: Duration,
    /// How long after its end a window is closed at the latest; `lateness`, if that is longer.
    pub max_delay: Duration,
    /// What is drift.
    pub compare: CompareOptions,
}

impl Default for MonitorOptions {
    /// Windows of an hour; ten seconds late, closed after a minute.
    fn default() -> Self {
        Self {
            window: Window::default(),
            lateness: Duration::from_secs(10),
            max_delay: Duration::from_secs(60),
            compare: CompareOptions::default(),
        }
    }
}

impl MonitorOptions {
    /// With these windows.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// With rows that may come so late.
    #[must_use]
    pub fn with_lateness(mut self, lateness: Duration) -> Self {
        self.lateness = lateness;
        self
    }

    /// With windows that are closed so long after their end at the latest.
    #[must_use]
    pub fn with_max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// With this as drift.
    #[must_use]
    pub fn with_compare(mut self, compare: CompareOptions) -> Self {
        self.compare = compare;
        self
    }
}

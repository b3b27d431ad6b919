//! [`WindowProfile`]: what was counted in a window.

use mlops_core::timestamp::Timestamp;

use super::pane::{Pane, Problems, Requests};
use crate::profile::Profile;

/// What was counted in a window.
#[derive(Debug, Clone)]
pub struct WindowProfile {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) pane: Pane,
}

/// What a monitor could not count into a window, since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitorLosses {
    /// Rows that came when their window had been closed.
    pub late_rows: u64,
    /// Rows from the future: seen a whole pane and more after the collection that found them.
    pub future_rows: u64,
    /// Rows of more pieces of time than a thread has room for between two collections.
    pub dropped_rows: u64,
    /// Windows of a gap so long that its windows were not told one by one.
    pub skipped_windows: u64,
}

impl WindowProfile {
    /// Where it begins; of a window of rows, the time of its first row.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Where it ends, itself not included; of a window of rows, the time of its last row.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// What was counted, as the reference is. A feature has fewer rows than the profile where it was not
    /// in all predictions, or is one of requests.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.pane.profile
    }

    /// How many predictions there were, and what became of them; none for rows that the host gave itself.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.pane.requests
    }

    /// The features that could not be read in some predictions.
    pub fn problems(&self) -> impl Iterator<Item = (&str, Problems)> {
        let features = self.pane.profile.features().zip(&self.pane.problems);
        features
            .filter(|(_, problems)| **problems != Problems::default())
            .map(|((name, _), problems)| (name, *problems))
    }
}

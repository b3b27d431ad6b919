//! [`Pane`]: what was counted of a piece of time.

use mlops_core::timestamp::Timestamp;

use crate::profile::Profile;

/// What was counted of a piece of time, of which windows are made.
#[derive(Debug, Clone)]
pub(super) struct Pane {
    pub(super) profile: Profile,
    pub(super) requests: Requests,
    /// For each feature, in the order of the reference.
    pub(super) problems: Box<[Problems]>,
    /// When the first and the last row was seen.
    pub(super) seen: Option<(Timestamp, Timestamp)>,
}

/// How many predictions there were, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requests {
    /// All of them.
    pub total: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those whose caller went away.
    pub cancelled: u64,
}

/// In how many predictions a feature could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problems {
    /// Its tensor was not there. Not a fault if callers ask for some of the outputs only.
    pub absent: u64,
    /// Its tensor was of another type than the signature says, or had no such column or axis.
    pub mismatched: u64,
}

impl Pane {
    /// Of no rows, counted as this profile is.
    pub(super) fn new(reference: &Profile) -> Self {
        Self {
            profile: reference.empty_like(),
            requests: Requests::default(),
            problems: vec![Problems::default(); reference.features().len()].into(),
            seen: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_none()
    }

    /// Takes note of when something was seen.
    pub(super) fn see(&mut self, at: Timestamp) {
        let (first, last) = self.seen.unwrap_or((at, at));
        self.seen = Some((first.min(at), last.max(at)));
    }

    /// Adds what was counted in another pane of the same reference.
    pub(super) fn merge(&mut self, other: &Self) {
        self.profile.merge(&other.profile).expect("panes of one monitor are counted alike");
        self.requests.total = self.requests.total.saturating_add(other.requests.total);
        self.requests.failed = self.requests.failed.saturating_add(other.requests.failed);
        self.requests.cancelled = self.requests.cancelled.saturating_add(other.requests.cancelled);
        for (mine, theirs) in self.problems.iter_mut().zip(&other.problems) {
            mine.absent = mine.absent.saturating_add(theirs.absent);
            mine.mismatched = mine.mismatched.saturating_add(theirs.mismatched);
        }
        if let Some((first, last)) = other.seen {
            self.see(first);
            self.see(last);
        }
    }

    /// Forgets everything, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.profile.clear();
        self.requests = Requests::default();
        self.problems.fill(Problems::default());
        self.seen = None;
    }
}

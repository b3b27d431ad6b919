//! [`Group`]: what is told as one alert.

use std::collections::BTreeMap;

use mlops_core::{Result, alert::Severity, timestamp::Timestamp};

use super::{
    thresholds::{Bad, Judgement},
    tracker::{AlertTracker, Notice, Phase, TrackerOptions},
};

/// What tells the members of a group apart.
pub(super) type Labels = BTreeMap<String, String>;

/// Figures that are told as one alert, each tracked by itself: it begins with the first of them, is as
/// bad as the worst, and ends with the last.
#[derive(Debug, Default)]
pub(super) struct Group {
    members: BTreeMap<Labels, Member>,
    told_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Member {
    tracker: AlertTracker,
    value: f64,
}

impl Group {
    /// Takes a member's next figure, and says what there is to tell of the group.
    pub(super) fn update(
        &mut self,
        labels: &Labels,
        options: &TrackerOptions,
        (value, judgement): (f64, Judgement),
        now: Timestamp,
    ) -> Result<Option<Notice>> {
        if !self.members.contains_key(labels) {
            let tracker = AlertTracker::new(options.clone())?;
            self.members.insert(labels.clone(), Member { tracker, value });
        }
        let before = self.told();
        let notice = self.members.get_mut(labels).and_then(|member| {
            member.value = value;
            member.tracker.update(now, judgement)
        });
        let notice = match (before, self.told()) {
            (None, Some(severity)) => Notice::Began(severity),
            (Some(severity), None) => Notice::Ended(severity),
            (Some(before), Some(severity)) if severity > before => Notice::Worsened(severity),
            (Some(_), Some(severity)) if self.is_reminder(notice, options, now) => {
                Notice::Lasts(severity)
            }
            _ => return Ok(None),
        };
        self.told_at = Some(now);
        Ok(Some(notice))
    }

    /// Each member says by itself that it lasts: once is enough.
    fn is_reminder(
        &self,
        notice: Option<Notice>,
        options: &TrackerOptions,
        now: Timestamp,
    ) -> bool {
        let since = self.told_at.map(|at| now.saturating_since(at));
        matches!(notice, Some(Notice::Lasts(_))) && since >= options.repeat
    }

    /// Somebody knows of it.
    pub(super) fn acknowledge(&mut self) {
        self.members.values_mut().for_each(|member| member.tracker.acknowledge());
    }

    /// Ends it, without a figure that says so.
    pub(super) fn reset(&mut self, now: Timestamp) -> Option<Notice> {
        let told = self.told();
        for member in self.members.values_mut() {
            member.tracker.reset(now);
        }
        told.map(Notice::Ended)
    }

    /// The worst that was told of its members and still holds.
    fn told(&self) -> Option<Severity> {
        self.members.values().filter_map(|member| member.tracker.told()).max()
    }

    /// The figures that hold, by the labels of their members.
    pub(super) fn bad(&self) -> impl Iterator<Item = (&Labels, f64)> {
        let told = self.members.iter().filter(|(_, member)| member.tracker.told().is_some());
        told.map(|(labels, member)| (labels, member.value))
    }

    /// Whether there is such a member.
    pub(super) fn has(&self, labels: &Labels) -> bool {
        self.members.contains_key(labels)
    }

    /// The worst figure that holds.
    pub(super) fn worst(&self, bad: Bad) -> Option<f64> {
        self.bad().map(|(_, value)| value).reduce(|worst, value| match bad {
            Bad::Above => worst.max(value),
            Bad::Below => worst.min(value),
        })
    }

    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Forgets the members of which nothing is wrong, and says whether there are others.
    pub(super) fn forget_good(&mut self) -> bool {
        self.members.retain(|_, member| member.tracker.phase() != Phase::Ok);
        !self.members.is_empty()
    }
}

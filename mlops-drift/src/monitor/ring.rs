//! [`WindowRing`]: which windows are complete.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use mlops_core::timestamp::Timestamp;

use super::{
    pane::Pane,
    window::Panes,
    window_profile::{MonitorLosses, WindowProfile},
};

/// Windows without a row that are told one by one in a gap; more are skipped and counted.
const MAX_GAP: i64 = 100;

/// Puts panes together to windows. It holds no clock: the time is told.
#[derive(Debug)]
pub(super) struct WindowRing {
    panes: Panes,
    lateness: Duration,
    max_delay: Duration,
    empty: Pane,
    /// Panes that rows may still come to, by index; of rows, the one that is being filled.
    open: BTreeMap<i64, Pane>,
    /// The last panes, of which the next windows are made; `None` without rows.
    closed: VecDeque<Option<Pane>>,
    /// The first pane that is not closed; all before it are. `None` before the first collection.
    next: Option<i64>,
    /// The pane of the first collection.
    began: i64,
    /// The latest row's time, as far as it is not in the future.
    newest: Option<Timestamp>,
    pub(super) losses: MonitorLosses,
}

impl WindowRing {
    pub(super) fn new(panes: Panes, lateness: Duration, max_delay: Duration, empty: Pane) -> Self {
        Self {
            panes,
            lateness,
            max_delay,
            empty,
            open: BTreeMap::new(),
            closed: VecDeque::new(),
            next: None,
            began: 0,
            newest: None,
            losses: MonitorLosses::default(),
        }
    }

    /// Adds rows; false if they are too late, or so far in the future that a clock must be wrong.
    pub(super) fn add(&mut self, index: i64, pane: &Pane, now: Timestamp) -> bool {
        let rows = pane.profile.rows();
        if self.next.is_some_and(|next| index < next) {
            self.losses.late_rows = self.losses.late_rows.saturating_add(rows);
            return false;
        }
        // Of the pane after this one there may be rows, seen while the collection was on its way.
        if index > self.panes.index(now).saturating_add(1) {
            self.losses.future_rows = self.losses.future_rows.saturating_add(rows);
            return false;
        }
        self.newest = self.newest.max(pane.seen.map(|(_, last)| last.min(now)));
        match self.open.get_mut(&index) {
            Some(open) => open.merge(pane),
            None => {
                self.open.insert(index, pane.clone());
            }
        }
        true
    }

    /// The windows that are complete now.
    pub(super) fn close(&mut self, now: Timestamp) -> Vec<WindowProfile> {
        match self.panes {
            Panes::Time { count, micros } => self.close_by_time(now, count, micros),
            Panes::Rows { step, length } => self.close_by_rows(step, length).into_iter().collect(),
        }
    }

    fn close_by_time(&mut self, now: Timestamp, count: usize, micros: i64) -> Vec<WindowProfile> {
        let seen = self.newest.map(|newest| newest.saturating_sub(self.lateness));
        let waited = now.saturating_sub(self.lateness.max(self.max_delay));
        // Panes before this one are complete.
        let end = self.panes.index(seen.map_or(waited, |seen| seen.max(waited)));
        let mut next = *self.next.get_or_insert_with(|| {
            self.began = self.panes.index(now);
            self.open.keys().next().copied().unwrap_or(end).min(end)
        });
        let mut windows = Vec::new();
        let mut gap = 0;
        while next < end {
            let pane = self.open.remove(&next);
            next += 1;
            if pane.is_none() && self.closed.is_empty() && next <= self.began {
                // Nothing was watched yet.
                continue;
            }
            gap = if pane.is_some() { 0 } else { gap + 1 };
            self.closed.push_back(pane);
            if self.closed.len() > count {
                self.closed.pop_front();
            }
            if self.closed.len() == count {
                let start = next - count as i64;
                windows.push(self.sum(time(start, micros), time(next, micros)));
            }
            if gap >= MAX_GAP.max(count as i64) {
                // Every pane of the ring is empty, and would be until the next one that is open.
                let after = self.open.keys().next().copied().unwrap_or(end).min(end);
                self.losses.skipped_windows += after.abs_diff(next);
                next = next.max(after);
            }
        }
        self.next = Some(next);
        windows
    }

    fn close_by_rows(&mut self, step: u64, length: u64) -> Option<WindowProfile> {
        let filling = self.open.get(&0)?;
        if filling.profile.rows() < step {
            return None;
        }
        self.closed.push_back(self.open.remove(&0));
        let rows = |panes: &VecDeque<Option<Pane>>| -> u64 {
            panes.iter().flatten().fold(0, |sum, pane| sum.saturating_add(pane.profile.rows()))
        };
        while let Some(Some(oldest)) = self.closed.front()
            && rows(&self.closed) - oldest.profile.rows() >= length
        {
            self.closed.pop_front();
        }
        if rows(&self.closed) < length {
            return None;
        }
        let seen = self.closed.iter().flatten().filter_map(|pane| pane.seen);
        let (start, end) = seen.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))?;
        Some(self.sum(start, end))
    }

    /// The window of all closed panes.
    fn sum(&self, start: Timestamp, end: Timestamp) -> WindowProfile {
        let mut sum = self.empty.clone();
        self.closed.iter().flatten().for_each(|pane| sum.merge(pane));
        WindowProfile { start, end, pane: sum }
    }

    /// Rows in no window yet.
    pub(super) fn open_rows(&self) -> u64 {
        self.open.values().fold(0, |sum, pane| sum.saturating_add(pane.profile.rows()))
    }
}

fn time(index: i64, micros: i64) -> Timestamp {
    Timestamp::from_micros(index.saturating_mul(micros))
}

//! [`Season`]: the hours or days that a reference is kept apart by.

use std::time::Duration;

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::{Length, Window};

/// What repeats: live data of an hour or a day is compared with the reference of the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct Season {
    /// What is kept apart.
    pub cycle: Cycle,
    /// How many minutes local time is ahead of UTC: 60 in Berlin in winter. Summer time is not known here.
    #[serde(default)]
    pub utc_offset_minutes: i32,
}

/// What a [`Season`] keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// The 24 hours of a day, from midnight.
    HourOfDay,
    /// The 7 days of a week, from Monday.
    DayOfWeek,
    /// The 168 hours of a week, from Monday's midnight.
    HourOfWeek,
}

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;
const WEEK_MICROS: i64 = 7 * DAY_MICROS;
/// The epoch was a Thursday.
const EPOCH_AFTER_MONDAY: i64 = 3 * DAY_MICROS;

impl Season {
    /// A season of UTC.
    #[must_use]
    pub fn new(cycle: Cycle) -> Self {
        Self { cycle, utc_offset_minutes: 0 }
    }

    /// A season of a local time that is so many minutes ahead of UTC.
    #[must_use]
    pub fn with_utc_offset_minutes(mut self, minutes: i32) -> Self {
        self.utc_offset_minutes = minutes;
        self
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self.cycle {
            Cycle::HourOfDay => 24,
            Cycle::DayOfWeek => 7,
            Cycle::HourOfWeek => 168,
        }
    }

    /// How long one is.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_secs(match self.cycle {
            Cycle::HourOfDay | Cycle::HourOfWeek => 3600,
            Cycle::DayOfWeek => 24 * 3600,
        })
    }

    /// Which one a time is in, from 0.
    #[must_use]
    pub fn of(&self, at: Timestamp) -> usize {
        let local = at.as_micros().saturating_add(i64::from(self.utc_offset_minutes) * 60_000_000);
        let of_day = local.rem_euclid(DAY_MICROS);
        // Within a week first, so that nothing overflows.
        let of_week = (local.rem_euclid(WEEK_MICROS) + EPOCH_AFTER_MONDAY) % WEEK_MICROS;
        let index = match self.cycle {
            Cycle::HourOfDay => of_day / HOUR_MICROS,
            Cycle::DayOfWeek => of_week / DAY_MICROS,
            Cycle::HourOfWeek => of_week / HOUR_MICROS,
        };
        index as usize
    }

    /// # Errors
    /// [`Error::InvalidArgument`] if local time is more than a day from UTC.
    pub(super) fn check(&self) -> Result<()> {
        if self.utc_offset_minutes.unsigned_abs() > 24 * 60 {
            let reason = format!("{} minutes from UTC", self.utc_offset_minutes);
            return Err(Error::invalid("season", reason));
        }
        Ok(())
    }

    /// Whether a window is of one season.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is longer, or of rows.
    pub(super) fn check_window(&self, window: &Window) -> Result<()> {
        match window.length() {
            Length::Time(length) if length <= self.length() => Ok(()),
            Length::Time(length) => {
                let reason = format!("{length:?} are longer than a season of {:?}", self.length());
                Err(Error::invalid("window", reason))
            }
            Length::Rows(_) => {
                let reason = "a window of rows may be longer than a season of the reference";
                Err(Error::invalid("window", reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_are_those_of_the_calendar() {
        // 2026-11-22 was a Sunday; 1969-12-31 a Wednesday. As Python's datetime.weekday says.
        let sunday = Timestamp::from_micros(1_795_305_600_000_000);
        assert_eq!(sunday.to_string(), "2026-11-22T00:00:00.000000Z");
        let of = |cycle, offset, at| Season::new(cycle).with_utc_offset_minutes(offset).of(at);
        for (cycle, offset, at, expected) in [
            (Cycle::HourOfDay, 0, sunday, 0),
            (Cycle::DayOfWeek, 0, sunday, 6),
            (Cycle::HourOfWeek, 0, sunday, 144),
            (Cycle::HourOfDay, 90, sunday, 1),
            (Cycle::HourOfDay, -60, sunday, 23),
            (Cycle::DayOfWeek, -60, sunday, 5),
            (Cycle::DayOfWeek, 24 * 60, sunday, 0),
            (Cycle::DayOfWeek, 0, Timestamp::EPOCH, 3),
            (Cycle::DayOfWeek, 0, Timestamp::from_micros(-1), 2),
            (Cycle::HourOfDay, 0, Timestamp::from_micros(-1), 23),
        ] {
            assert_eq!(of(cycle, offset, at), expected, "{cycle:?} {offset} {at}");
        }
        for at in [i64::MIN, i64::MAX].map(Timestamp::from_micros) {
            assert!(of(Cycle::HourOfWeek, 1440, at) < 168);
        }
    }
}

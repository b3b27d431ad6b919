//! [`Period`]: the calendar's units, of UTC.

use mlops_core::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a chunk of time is. Periods begin where the calendar's do, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Period {
    /// An hour, such as `2026-11-22T08`.
    Hour,
    /// A day, such as `2026-11-22`.
    Day,
    /// A week from Monday on, by its Monday: `2026-11-16`.
    Week,
    /// A month, such as `2026-11`.
    Month,
    /// Three months from January, April, July or October on, such as `2026-Q4`.
    Quarter,
    /// A year, such as `2026`.
    Year,
}

const DAY: i64 = 86_400;

impl Period {
    /// The name of the period that a point in time, in seconds since 1970-01-01, is in: in the order of time.
    /// `None` if its year has not four digits.
    pub(super) fn name(self, seconds: i64) -> Option<String> {
        let seconds = match self {
            // 1970-01-01 was a Thursday.
            Self::Week => ((seconds.div_euclid(DAY) + 3).div_euclid(7) * 7 - 3) * DAY,
            _ => seconds,
        };
        let text = Timestamp::from_micros(seconds.checked_mul(1_000_000)?).to_string();
        let year = text.get(..4).filter(|_| text.as_bytes().get(4) == Some(&b'-'))?;
        if year.starts_with('-') {
            return None;
        }
        Some(match self {
            Self::Hour => text[..13].to_owned(),
            Self::Day | Self::Week => text[..10].to_owned(),
            Self::Month => text[..7].to_owned(),
            Self::Quarter => {
                let month: u32 = text[5..7].parse().ok()?;
                format!("{year}-Q{}", month.div_ceil(3))
            }
            Self::Year => year.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_calendar() {
        for (text, seconds, period, name) in [
            ("2026-11-22T01:43:52Z", 1_795_311_832, Period::Hour, "2026-11-22T01"),
            ("2026-11-22T01:43:52Z", 1_795_311_832, Period::Day, "2026-11-22"),
            // A Sunday, and a Monday.
            ("2026-11-22T23:59:59Z", 1_795_391_999, Period::Week, "2026-11-16"),
            ("2026-11-23T00:00:00Z", 1_795_392_000, Period::Week, "2026-11-23"),
            ("2024-02-29T12:00:00Z", 1_709_208_000, Period::Month, "2024-02"),
            ("2024-03-01T00:00:00Z", 1_709_251_200, Period::Month, "2024-03"),
            ("2026-06-30T23:59:59Z", 1_782_863_999, Period::Quarter, "2026-Q2"),
            ("2026-12-31T23:59:59Z", 1_798_761_599, Period::Quarter, "2026-Q4"),
            ("2026-12-31T23:59:59Z", 1_798_761_599, Period::Year, "2026"),
            ("1969-12-31T23:59:59Z", -1, Period::Year, "1969"),
            ("1969-12-31T23:59:59Z", -1, Period::Week, "1969-12-29"),
        ] {
            assert_eq!(period.name(seconds).as_deref(), Some(name), "{period:?} of {text}");
        }
    }

    #[test]
    fn years_have_four_digits() {
        for (seconds, is_named) in [
            (-62_167_219_200, true),
            (-62_167_219_201, false),
            (253_402_300_799, true),
            (253_402_300_800, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            for period in [Period::Day, Period::Quarter, Period::Year] {
                assert_eq!(period.name(seconds).is_some(), is_named, "{seconds}");
            }
        }
    }
}

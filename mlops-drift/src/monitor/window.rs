//! [`Window`]: how live data is cut into pieces.

use std::time::Duration;

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

/// How live data is cut into pieces that are compared with the reference.
///
/// Windows of time begin at multiples of their length (or step) since 1970-01-01T00:00:00Z, so that those of
/// all replicas are the same; they contain their beginning and not their end.
///
/// A window of rows is closed by the first collection that finds so many, and has what there is then: at
/// least so many, as rows are counted where they come in and not one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Window {
    /// One after the other.
    Tumbling {
        /// How long each is.
        length: Length,
    },
    /// Each begins a step after the one before it, and they overlap.
    Sliding {
        /// How long each is: a multiple of the step.
        length: Length,
        /// How much later than the one before it each begins. Of the same kind as the length.
        step: Length,
    },
}

/// How long a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// A span of time, by when rows were seen; at least a millisecond.
    Time(Duration),
    /// So many rows; at least one.
    Rows(u64),
}

impl Default for Window {
    /// An hour, then the next.
    fn default() -> Self {
        Self::tumbling(Duration::from_secs(3600))
    }
}

impl Window {
    /// Pieces of time of this length.
    #[must_use]
    pub fn tumbling(length: Duration) -> Self {
        Self::Tumbling { length: Length::Time(length) }
    }

    /// Pieces of time of this length, a new one each step.
    #[must_use]
    pub fn sliding(length: Duration, step: Duration) -> Self {
        Self::Sliding { length: Length::Time(length), step: Length::Time(step) }
    }

    /// At least so many rows, then the next.
    #[must_use]
    pub fn tumbling_rows(rows: u64) -> Self {
        Self::Tumbling { length: Length::Rows(rows) }
    }

    /// At least so many rows, a new window each so many.
    #[must_use]
    pub fn sliding_rows(rows: u64, step: u64) -> Self {
        Self::Sliding { length: Length::Rows(rows), step: Length::Rows(step) }
    }

    /// How long a window is.
    #[must_use]
    pub fn length(&self) -> Length {
        match self {
            Self::Tumbling { length } | Self::Sliding { length, .. } => *length,
        }
    }

    /// How the window is made of panes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a length or step of nothing or of less than a millisecond or longer than
    /// ten years, of different kinds, or if the length is no multiple of the step, or more than 1000 times it.
    pub(super) fn panes(&self) -> Result<Panes> {
        let step = match self {
            Self::Tumbling { length } => *length,
            Self::Sliding { step, .. } => *step,
        };
        let (length, step, is_time) = match (self.length(), step) {
            (Length::Time(length), Length::Time(step)) => {
                (length.as_micros(), step.as_micros(), true)
            }
            (Length::Rows(length), Length::Rows(step)) => (length.into(), step.into(), false),
            _ => return Err(invalid("its length and its step are of different kinds")),
        };
        let (least, most) = if is_time { (1000, TEN_YEARS_MICROS) } else { (1, 1 << 53) };
        for (what, size) in [("length", length), ("step", step)] {
            if !(least..=most).contains(&size) {
                let unit = if is_time { "µs" } else { "rows" };
                let reason = format!("a {what} of {size} {unit} is not from {least} to {most}");
                return Err(invalid(&reason));
            }
        }
        if length % step != 0 || length / step > MAX_PANES {
            let reason = format!(
                "its length is {} times its step: that is a whole number up to {MAX_PANES}",
                length as f64 / step as f64
            );
            return Err(invalid(&reason));
        }
        let count = (length / step) as usize;
        Ok(if is_time {
            Panes::Time { count, micros: step as i64 }
        } else {
            Panes::Rows { step: step as u64, length: length as u64 }
        })
    }
}

const MAX_PANES: u128 = 1000;
const TEN_YEARS_MICROS: u128 = 3653 * 86_400 * 1_000_000;

/// How windows are made of panes, the pieces that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panes {
    /// So many of so many microseconds each.
    Time { count: usize, micros: i64 },
    /// As few as have `length` rows, of at least `step` rows each.
    Rows { step: u64, length: u64 },
}

impl Panes {
    /// The pane that a time belongs to.
    pub(super) fn index(self, at: Timestamp) -> i64 {
        match self {
            Self::Time { micros, .. } => at.as_micros().div_euclid(micros),
            Self::Rows { .. } => 0,
        }
    }
}

fn invalid(reason: &str) -> Error {
    Error::invalid("window", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn windows_are_whole_numbers_of_panes() {
        assert_eq!(
            Window::sliding(60 * SECOND, 5 * SECOND).panes().unwrap(),
            Panes::Time { count: 12, micros: 5_000_000 }
        );
        assert_eq!(
            Window::tumbling(60 * SECOND).panes().unwrap(),
            Panes::Time { count: 1, micros: 60_000_000 }
        );
        assert_eq!(
            Window::sliding_rows(100, 50).panes().unwrap(),
            Panes::Rows { step: 50, length: 100 }
        );
    }

    #[test]
    fn impossible_windows_are_refused() {
        let mixed = Window::Sliding { length: Length::Rows(10), step: Length::Time(SECOND) };
        for (window, reason) in [
            (Window::tumbling(Duration::ZERO), "a length of 0 µs"),
            (Window::tumbling(Duration::from_micros(999)), "a length of 999 µs"),
            (Window::tumbling(Duration::MAX), "a length of"),
            (Window::tumbling_rows(0), "a length of 0 rows"),
            (Window::tumbling_rows(u64::MAX), "a length of 18446744073709551615 rows"),
            (Window::sliding_rows(10, 0), "a step of 0 rows"),
            (Window::sliding(SECOND, 2 * SECOND), "its length is 0.5 times its step"),
            (Window::sliding(3 * SECOND, 2 * SECOND), "its length is 1.5 times its step"),
            (Window::sliding(1001 * SECOND, SECOND), "its length is 1001 times its step"),
            (mixed, "different kinds"),
        ] {
            let error = window.panes().unwrap_err().to_string();
            assert!(error.starts_with("invalid window: ") && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn times_before_the_epoch_belong_to_panes_too() {
        let panes = Window::tumbling(SECOND).panes().unwrap();
        for (micros, index) in [(-1, -1), (0, 0), (999_999, 0), (1_000_000, 1), (-1_000_001, -2)] {
            assert_eq!(panes.index(Timestamp::from_micros(micros)), index);
        }
    }
}

//! [`Range`]: from where to where.

use std::fmt;

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::rfc3339;

/// An end of a [`Range`]. In a file: a number, or a date or time of RFC 3339 as text.
///
/// Whole numbers are kept as such: bounds beyond 2^53 are exact.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Bound {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A point in time.
    Time(Timestamp),
}

/// From where to where values may lie; each end belongs to the range or does not, or is not there.
///
/// ```
/// use mlops_drift::quality::Range;
///
/// let share = Range::at_least(0.0).and_at_most(1.0);
/// let positive = Range::above(0);
/// assert_eq!((share.to_string(), positive.to_string()), ("[0, 1]".into(), "(0, ∞)".into()));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Range {
    pub(super) low: Option<End>,
    pub(super) high: Option<End>,
}

/// A bound, and whether it belongs to the range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    Closed(Bound),
    Open(Bound),
}

impl Range {
    /// `[bound, ∞)`.
    #[must_use]
    pub fn at_least(bound: impl Into<Bound>) -> Self {
        Self { low: Some(End::Closed(bound.into())), high: None }
    }

    /// `(bound, ∞)`.
    #[must_use]
    pub fn above(bound: impl Into<Bound>) -> Self {
        Self { low: Some(End::Open(bound.into())), high: None }
    }

    /// `(-∞, bound]`.
    #[must_use]
    pub fn at_most(bound: impl Into<Bound>) -> Self {
        Self::default().and_at_most(bound)
    }

    /// `(-∞, bound)`.
    #[must_use]
    pub fn below(bound: impl Into<Bound>) -> Self {
        Self::default().and_below(bound)
    }

    /// Ends it with this bound, which belongs to it.
    #[must_use]
    pub fn and_at_most(mut self, bound: impl Into<Bound>) -> Self {
        self.high = Some(End::Closed(bound.into()));
        self
    }

    /// Ends it before this bound.
    #[must_use]
    pub fn and_below(mut self, bound: impl Into<Bound>) -> Self {
        self.high = Some(End::Open(bound.into()));
        self
    }

    /// # Errors
    /// [`Error::InvalidArgument`] if it has no end, one that is not finite, numbers and times for ends,
    /// or nothing between them.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("range", reason));
        let ends = [self.low, self.high];
        if ends == [None, None] {
            return invalid("it has neither a lower nor an upper end".to_owned());
        }
        for end in ends.into_iter().flatten() {
            if let Bound::Number(number) = end.bound()
                && !number.is_finite()
            {
                return invalid(format!("an end is {number}"));
            }
        }
        let (Some(low), Some(high)) = (self.low, self.high) else { return Ok(()) };
        if low.bound().is_time() != high.bound().is_time() {
            return invalid(format!("{self} is from a number to a time, or the other way round"));
        }
        let nothing = if low.bound().is_time() {
            let (first, last) = self.times().unwrap_or((1, 0));
            first > last
        } else {
            // Between two doubles there is no number that a double could be, nor, if it is wide enough
            // to matter, a whole one.
            let ((first, last), (low, high)) = (self.integers(), self.numbers());
            first > last && low > high
        };
        if nothing { invalid(format!("nothing is in {self}")) } else { Ok(()) }
    }

    /// True if its ends are times.
    pub(super) fn is_of_times(&self) -> bool {
        [self.low, self.high].into_iter().flatten().any(|end| end.bound().is_time())
    }

    /// The least and the greatest whole number in it; the first is above the second if none is.
    pub(super) fn integers(&self) -> (i64, i64) {
        let low = self.low.map_or(i128::from(i64::MIN), |end| match end {
            End::Closed(bound) => bound.ceil(),
            End::Open(bound) => bound.floor().saturating_add(1),
        });
        let high = self.high.map_or(i128::from(i64::MAX), |end| match end {
            End::Closed(bound) => bound.floor(),
            End::Open(bound) => bound.ceil().saturating_sub(1),
        });
        let (min, max) = (i128::from(i64::MIN), i128::from(i64::MAX));
        if low > high || low > max || high < min {
            return (i64::MAX, i64::MIN);
        }
        // Within the range of `i64` after the clamp.
        (low.clamp(min, max) as i64, high.clamp(min, max) as i64)
    }

    /// The least and the greatest double in it, infinities included where it has no end.
    pub(super) fn numbers(&self) -> (f64, f64) {
        let low = self.low.map_or(f64::NEG_INFINITY, |end| match end {
            End::Closed(bound) => bound.double_above(),
            End::Open(bound) => bound.double_below().next_up(),
        });
        let high = self.high.map_or(f64::INFINITY, |end| match end {
            End::Closed(bound) => bound.double_below(),
            End::Open(bound) => bound.double_above().next_down(),
        });
        (low, high)
    }

    /// The first and the last microsecond in it; `None` if its ends are numbers.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        let numbers = [self.low, self.high].into_iter().flatten().any(|e| !e.bound().is_time());
        (!numbers).then(|| self.integers())
    }
}

impl End {
    pub(super) fn bound(self) -> Bound {
        match self {
            Self::Closed(bound) | Self::Open(bound) => bound,
        }
    }
}

impl Bound {
    fn is_time(self) -> bool {
        matches!(self, Self::Time(_))
    }

    /// The greatest whole number not above it.
    fn floor(self) -> i128 {
        match self {
            Self::Integer(value) => value.into(),
            Self::Time(time) => time.as_micros().into(),
            // A cast saturates, and doubles beyond 2^53 are whole.
            Self::Number(value) => value.floor() as i128,
        }
    }

    /// The least whole number not below it.
    fn ceil(self) -> i128 {
        match self {
            Self::Number(value) => value.ceil() as i128,
            whole => whole.floor(),
        }
    }

    /// The least double that is not below it.
    fn double_above(self) -> f64 {
        match self {
            Self::Number(value) => value,
            whole => {
                let near = whole.floor() as f64;
                if (near as i128) < whole.floor() { near.next_up() } else { near }
            }
        }
    }

    /// The greatest double that is not above it.
    fn double_below(self) -> f64 {
        match self {
            Self::Number(value) => value,
            whole => {
                let near = whole.floor() as f64;
                if (near as i128) > whole.floor() { near.next_down() } else { near }
            }
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low {
            None => f.write_str("(-∞, ")?,
            Some(End::Closed(bound)) => write!(f, "[{bound}, ")?,
            Some(End::Open(bound)) => write!(f, "({bound}, ")?,
        }
        match self.high {
            None => f.write_str("∞)"),
            Some(End::Closed(bound)) => write!(f, "{bound}]"),
            Some(End::Open(bound)) => write!(f, "{bound})"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

impl From<i32> for Bound {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<i64> for Bound {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Bound {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<Timestamp> for Bound {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Time(time) => serializer.collect_str(time),
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a date or time as text")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Bound, E> {
                Ok(Bound::Integer(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Bound, E> {
                let whole = i64::try_from(value).ok().map(Bound::Integer);
                whole.ok_or_else(|| {
                    E::custom(format_args!("{value} is beyond what 64 bits with a sign hold"))
                })
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Bound, E> {
                Ok(Bound::Number(value))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bound, E> {
                let time = rfc3339::parse(text).map(Bound::Time);
                time.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_are_exact_for_either_kind_of_number() {
        const BIG: i64 = (1 << 53) + 1;
        assert_eq!(Range::above(BIG).and_below(BIG + 2).integers(), (BIG + 1, BIG + 1));
        assert_eq!(Range::at_least(BIG).numbers().0, 9_007_199_254_740_994.0);
        assert_eq!(Range::at_most(BIG).numbers().1, 9_007_199_254_740_992.0);
        assert_eq!(Range::above(0.5).and_below(3.0).integers(), (1, 2));
        assert_eq!(Range::at_least(-0.5).and_at_most(2.5).integers(), (0, 2));
        assert_eq!(Range::above(0).numbers(), (5e-324, f64::INFINITY));
        assert_eq!(Range::at_most(1e300).integers(), (i64::MIN, i64::MAX));
        let (low, high) = Range::at_least(1e300).integers();
        assert!(low > high);
        assert_eq!(Range::at_least(i64::MAX).numbers().0, 9_223_372_036_854_775_808.0);
    }

    #[test]
    fn ranges_that_hold_nothing_are_refused() {
        for (range, reason) in [
            (Range::default(), "neither"),
            (Range::at_least(2).and_at_most(1), "nothing is in [2, 1]"),
            (Range::above(1).and_below(1), "nothing is in (1, 1)"),
            (Range::above(1.0).and_at_most(1.0), "nothing is in (1, 1]"),
            (Range::at_least(f64::NAN), "an end is NaN"),
            (Range::at_most(f64::INFINITY), "an end is inf"),
            (Range::at_least(0).and_at_most(Timestamp::EPOCH), "from a number to a time"),
            (Range::above(Timestamp::EPOCH).and_below(Timestamp::EPOCH), "nothing is in ("),
        ] {
            let error = range.check().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        for range in [Range::at_least(1).and_at_most(1), Range::above(0.2).and_below(0.8)] {
            range.check().unwrap();
        }
    }

    proptest! {
        #[test]
        fn a_double_is_in_it_as_the_number_that_it_is(
            value: f64, low: i64, near in -3_i64..3,
        ) {
            prop_assume!(!value.is_nan());
            for value in [value, (low.saturating_add(near)) as f64] {
                // Exact: a double below 2^100 is a fraction of a whole i128, or one.
                let above = if value.abs() < 1e30 {
                    let whole = value.floor() as i128;
                    (whole > i128::from(low), whole >= i128::from(low), value > whole as f64)
                } else {
                    (value > 0.0, value > 0.0, false)
                };
                let strictly = above.0 || (above.1 && above.2);
                prop_assert_eq!(value >= Range::above(low).numbers().0, strictly);
                prop_assert_eq!(value >= Range::at_least(low).numbers().0, above.1);
                prop_assert_eq!(value <= Range::at_most(low).numbers().1, !strictly);
                prop_assert_eq!(value <= Range::below(low).numbers().1, !above.1);
            }
        }
    }
}

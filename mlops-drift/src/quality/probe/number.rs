//! [`Number`]: whole or not, compared exactly.

use std::{cmp::Ordering, fmt};

use mlops_core::timestamp::Timestamp;

use crate::quality::Values;

/// A value that has a place in an order.
#[derive(Debug, Clone, Copy)]
pub(in crate::quality) enum Number {
    Whole(i64),
    Double(f64),
    Time(Timestamp),
}

impl Number {
    /// The value of a row; of a column of numbers or times.
    pub(super) fn at(values: Values<'_>, row: usize) -> Option<Self> {
        match values {
            Values::Integers(values) => values[row].map(Self::Whole),
            Values::Numbers(values) => values[row].map(Self::Double),
            Values::Times(values) => values[row].map(Self::Time),
            Values::Texts(_) | Values::Booleans(_) => None,
        }
    }

    /// `None` if one is NaN, or one is a time and the other is not.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(&b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b),
            (Self::Whole(a), Self::Double(b)) => compare(a, b),
            (Self::Double(a), Self::Whole(b)) => compare(b, a).map(Ordering::reverse),
            (Self::Time(_), _) | (_, Self::Time(_)) => None,
        }
    }
}

/// A whole number and a double, exactly: as doubles they could be equal when they are not.
fn compare(whole: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    let floor = double.floor();
    // A cast saturates beyond what any `i64` reaches.
    let order = i128::from(whole).cmp(&(floor as i128));
    Some(if order.is_eq() && double > floor { Ordering::Less } else { order })
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Double(value) => fmt::Debug::fmt(value, f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_doubles_compare_exactly() {
        const BIG: i64 = (1 << 53) + 1;
        for (whole, double, expected) in [
            (BIG, 9_007_199_254_740_992.0, Some(Ordering::Greater)),
            (BIG, 9_007_199_254_740_994.0, Some(Ordering::Less)),
            (1, 1.0, Some(Ordering::Equal)),
            (1, 1.5, Some(Ordering::Less)),
            (-1, -1.5, Some(Ordering::Greater)),
            (0, -0.0, Some(Ordering::Equal)),
            (i64::MAX, f64::INFINITY, Some(Ordering::Less)),
            (i64::MAX, 9_223_372_036_854_775_808.0, Some(Ordering::Less)),
            (i64::MIN, -9_223_372_036_854_775_808.0, Some(Ordering::Equal)),
            (i64::MIN, f64::NEG_INFINITY, Some(Ordering::Greater)),
            (0, f64::NAN, None),
        ] {
            let (whole, double) = (Number::Whole(whole), Number::Double(double));
            assert_eq!(whole.compare(double), expected, "{whole} {double}");
            assert_eq!(double.compare(whole), expected.map(Ordering::reverse));
        }
    }
}

//! How far apart the two parts of a window are, and how probable that is.

use crate::stats::ks;

/// A value of the window, with its part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub(super) value: f64,
    pub(super) is_recent: bool,
}

/// How many values the two samples have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) recent: i64,
    pub(super) older: i64,
}

/// `D` times both sizes, a whole number, of a window in the order of its values.
pub(super) fn largest_distance(sorted: impl Iterator<Item = Entry>, sizes: Sizes) -> i64 {
    let mut largest = 0;
    let mut distance: i64 = 0;
    let mut last = f64::NAN;
    for entry in sorted {
        // Within a run of equal values the distance is not one between shares.
        if entry.value != last {
            largest = largest.max(distance.abs());
        }
        last = entry.value;
        distance += if entry.is_recent { sizes.older } else { -sizes.recent };
    }
    largest
}

/// How probable a distance of at least this (`D` times both sizes) is, if both samples are from one
/// continuous distribution.
pub(super) fn exact_p_value(sizes: Sizes, distance: i64) -> f64 {
    let Sizes { recent, older } = sizes;
    ks::two_sided_sf(recent.unsigned_abs(), older.unsigned_abs(), distance.unsigned_abs())
}

/// The least distance with at most this p-value.
pub(super) fn critical_distance(sizes: Sizes, alpha: f64) -> Option<i64> {
    let (mut low, mut high) = (0, sizes.recent * sizes.older);
    if exact_p_value(sizes, high) > alpha {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        *(if exact_p_value(sizes, middle) > alpha { &mut low } else { &mut high }) = middle;
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_the_exact_test() {
        // Two and two values: of the 6 orders, 2 separate them, and all have a distance of 1/2 or more.
        let sizes = Sizes { recent: 2, older: 2 };
        for (distance, expected) in [(4, 2.0 / 6.0), (3, 2.0 / 6.0), (2, 1.0), (0, 1.0)] {
            assert!((exact_p_value(sizes, distance) - expected).abs() < 1e-15, "{distance}");
        }
        // 2 / C(40, 20).
        let apart = exact_p_value(Sizes { recent: 20, older: 20 }, 400);
        assert!((apart * 137_846_528_820.0 - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_critical_distance_is_the_least() {
        for (recent, older) in [(30, 70), (30, 30), (7, 93)] {
            let sizes = Sizes { recent, older };
            let critical = critical_distance(sizes, 1e-4).unwrap();
            assert!(exact_p_value(sizes, critical) <= 1e-4);
            assert!(exact_p_value(sizes, critical - 1) > 1e-4);
        }
        assert_eq!(critical_distance(Sizes { recent: 3, older: 3 }, 1e-4), None);
    }
}

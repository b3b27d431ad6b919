//! Where an axis has its marks.

use crate::report::figure::number;

/// Round numbers between two values, about so many, with their labels. Only the ends where there are none:
/// in a range that is too wide or too narrow for numbers between them.
pub(super) fn ticks(low: f64, high: f64, about: f64) -> Vec<(f64, String)> {
    let raw = (high - low) / about;
    let ends = || [low, high].map(|end| (end, number(end))).to_vec();
    let largest = low.abs().max(high.abs());
    if !raw.is_finite() || raw < largest * 1e-12 || raw < f64::MIN_POSITIVE {
        return ends();
    }
    let power = raw.log10().floor();
    let unit = 10_f64.powf(power);
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * unit >= raw).unwrap_or(10.0);
    let (first, last) = ((low / (factor * unit)).ceil(), (high / (factor * unit)).floor());
    let count = last - first + 1.0;
    if !(count >= 1.0 && count <= 4.0 * about) {
        return ends();
    }
    (0..count as u32)
        .map(|index| {
            // Sums of a step would gather errors.
            let value = (first + f64::from(index)) * factor * unit;
            (value, label(value, if factor > 5.0 { power + 1.0 } else { power }, largest))
        })
        .collect()
}

/// A value with as many digits as tell it from its neighbours, which differ in the digit of this power.
fn label(value: f64, power: f64, largest: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if power >= 0.0 && largest < 1e7 {
        // A round number is shown as it is.
        number(value)
    } else if power >= -4.0 && largest < 1e6 {
        format!("{value:.*}", (-power).max(0.0) as usize)
    } else {
        let digits = (value.abs().log10().floor() - power).clamp(0.0, 15.0) as usize;
        format!("{value:.digits$e}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        ticks(low, high, 4.0).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(labels(18.2, 71.0), ["20", "40", "60"]);
        assert_eq!(labels(-1.3, 1.4), ["-1", "0", "1"]);
        assert_eq!(labels(0.0, 0.31), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(0.0, 3e9), ["0", "1e9", "2e9", "3e9"]);
        assert_eq!(labels(20_240_101.0, 20_240_131.0), ["2.024011e7", "2.024012e7", "2.024013e7"]);
        assert_eq!(labels(0.0, 2e-9), ["0", "5e-10", "1.0e-9", "1.5e-9", "2.0e-9"]);
    }

    #[test]
    fn a_range_without_round_numbers_has_its_ends() {
        assert_eq!(ticks(f64::MIN, f64::MAX, 4.0).len(), 2);
        assert_eq!(ticks(1e15, 1e15 + 1.0, 4.0).len(), 2);
        assert_eq!(ticks(0.0, 5e-324, 4.0).len(), 2);
    }

    proptest! {
        #[test]
        fn marks_lie_within_and_differ(low in -1e12..1e12_f64, span in 1e-3..1e12_f64) {
            let marks = ticks(low, low + span, 4.0);
            prop_assert!(!marks.is_empty() && marks.len() <= 16);
            for pair in marks.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0);
                prop_assert_ne!(&pair[0].1, &pair[1].1);
            }
            let slack = span * 1e-9;
            for (value, _) in marks {
                prop_assert!(value >= low - slack && value <= low + span + slack);
            }
        }
    }
}

//! One pass over two empirical distribution functions: what the tests and distances have in common.

use super::Sample;

/// Calls `visit(difference, from, to)` for each stretch between neighbouring values of both samples,
/// in ascending order: over `from <= x < to`, `F1(x) - F2(x)` is `difference / (n1 n2)`, exactly.
/// A stretch between equal values is empty, and its difference means nothing.
#[inline]
pub(super) fn walk(first: &Sample, second: &Sample, mut visit: impl FnMut(i64, f64, f64)) {
    let (a, b) = (first.values(), second.values());
    let (up, down) = (b.len() as i64, a.len() as i64);
    let (mut i, mut j) = (0, 0);
    let mut difference = 0;
    let mut from = a[0].min(b[0]);
    // Which sample the next value is from is a coin toss, which no processor predicts: both steps
    // are computed, and none jumps.
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        let to = if x < y { x } else { y };
        visit(difference, from, to);
        from = to;
        let (in_first, in_second) = (x <= y, y <= x);
        difference += if in_first { up } else { 0 };
        difference -= if in_second { down } else { 0 };
        i += usize::from(in_first);
        j += usize::from(in_second);
    }
    for x in &a[i..] {
        visit(difference, from, *x);
        from = *x;
        difference += up;
    }
    for y in &b[j..] {
        visit(difference, from, *y);
        from = *y;
        difference -= down;
    }
}

/// The largest and the smallest difference of two empirical distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extremes {
    /// The largest `F1 - F2`, times `n1 n2`; zero at least.
    pub(super) above: i64,
    /// The smallest value where it is reached.
    pub(super) above_at: f64,
    /// The largest `F2 - F1`, times `n1 n2`; zero at least.
    pub(super) below: i64,
    /// The smallest value where it is reached.
    pub(super) below_at: f64,
}

/// Where two empirical distribution functions differ most.
pub(super) fn extremes(first: &Sample, second: &Sample) -> Extremes {
    // Both functions start at zero, where no difference is.
    let start = first.min().min(second.min());
    let mut found = Extremes { above: 0, above_at: start, below: 0, below_at: start };
    let mut least = 0;
    walk(first, second, |difference, from, to| {
        // New extremes are rare: this jump is foreseen, and what it skips costs nothing.
        if difference > found.above || difference < least {
            if from == to {
                return;
            }
            if difference > 0 {
                (found.above, found.above_at) = (difference, from);
            } else {
                (least, found.below_at) = (difference, from);
            }
        }
    });
    found.below = -least;
    found
}

/// How often one value occurs, and how many values are less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    /// In the first sample.
    pub(super) first: u64,
    /// In the second sample.
    pub(super) second: u64,
    /// Values of the first sample that are less.
    pub(super) first_before: u64,
    /// Values of the second sample that are less.
    pub(super) second_before: u64,
}

/// Calls `visit` for each distinct value of both samples, in ascending order.
#[inline]
pub(super) fn groups(first: &Sample, second: &Sample, mut visit: impl FnMut(Group)) {
    let (a, b) = (first.values(), second.values());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let value = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x < y => *x,
            (Some(x), None) => *x,
            (_, Some(y)) => *y,
            (None, None) => break,
        };
        let next_i = i + run(&a[i..], value);
        let next_j = j + run(&b[j..], value);
        visit(Group {
            first: (next_i - i) as u64,
            second: (next_j - j) as u64,
            first_before: i as u64,
            second_before: j as u64,
        });
        (i, j) = (next_i, next_j);
    }
}

/// How many of these values, from the start, equal `value`.
#[inline]
pub(super) fn run(values: &[f64], value: f64) -> usize {
    values.iter().take_while(|other| **other == value).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::from_slice("reference", values).unwrap()
    }

    fn count(values: &[f64], counted: impl Fn(f64) -> bool) -> i64 {
        values.iter().filter(|value| counted(**value)).count() as i64
    }

    proptest! {
        // Few distinct values, so that there are ties of every kind; -0 and 0 are one value.
        #[test]
        fn each_stretch_has_the_difference_of_the_definition(
            a in prop::collection::vec(-3_i8..4, 1..30),
            b in prop::collection::vec(-3_i8..4, 1..30),
        ) {
            let a: Vec<_> = a.into_iter().map(|value| -0.5 * f64::from(value)).collect();
            let b: Vec<_> = b.into_iter().map(|value| 0.5 * f64::from(value)).collect();
            let (n1, n2) = (a.len() as i64, b.len() as i64);
            let difference =
                |x: f64| count(&a, |v| v <= x) * n2 - count(&b, |v| v <= x) * n1;
            let (first, second) = (sample(&a), sample(&b));
            let mut end = first.min().min(second.min());
            let mut wrong = Vec::new();
            walk(&first, &second, |found, from, to| {
                if from != end || (from < to && found != difference(from)) {
                    wrong.push((found, from, to));
                }
                end = to;
            });
            prop_assert!(wrong.is_empty(), "{wrong:?}");
            prop_assert_eq!(end, first.max().max(second.max()));

            let found = extremes(&first, &second);
            let all: Vec<_> = a.iter().chain(&b).map(|x| difference(*x)).collect();
            prop_assert_eq!(found.above, all.iter().copied().max().unwrap().max(0));
            prop_assert_eq!(found.below, -all.iter().copied().min().unwrap().min(0));
            if found.above > 0 {
                prop_assert_eq!(difference(found.above_at), found.above);
            }
            if found.below > 0 {
                prop_assert_eq!(difference(found.below_at), -found.below);
            }

            let mut distinct: Vec<f64> = a.iter().chain(&b).copied().collect();
            distinct.sort_unstable_by(|x, y| x.partial_cmp(y).unwrap());
            distinct.dedup();
            let mut at = distinct.iter();
            let mut wrong = Vec::new();
            groups(&first, &second, |group| {
                let value = *at.next().unwrap();
                let expected = Group {
                    first: count(&a, |v| v == value) as u64,
                    second: count(&b, |v| v == value) as u64,
                    first_before: count(&a, |v| v < value) as u64,
                    second_before: count(&b, |v| v < value) as u64,
                };
                if group != expected {
                    wrong.push((group, expected));
                }
            });
            prop_assert!(wrong.is_empty() && at.next().is_none(), "{wrong:?}");
        }
    }
}

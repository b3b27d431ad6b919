//! [`RowRanges`]: which rows have been seen.

use std::collections::BTreeMap;

use mlops_core::{Error, Result};

/// Which rows have been seen, as ranges that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RowRanges {
    /// Ends by beginnings.
    ranges: BTreeMap<u64, u64>,
    rows: u64,
}

impl RowRanges {
    /// How many ranges there can be at a time: pieces of a data set that do not touch yet.
    pub(super) const MAX: usize = 1 << 16;

    /// Rows in all ranges.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The ranges, in order, each from its first row to before its end.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.iter().map(|(start, end)| (*start, *end))
    }

    /// # Errors
    /// [`Error::InvalidArgument`] if one of these rows is there already, or they do not fit into 64 bits;
    /// [`Error::TooLarge`] if there would be more than [`MAX`](Self::MAX) ranges.
    pub(super) fn check(&self, start: u64, rows: u64) -> Result<()> {
        let Some(end) = start.checked_add(rows) else {
            let reason = format!("{rows} rows from row {start} on are beyond 2^64");
            return Err(Error::invalid("rows", reason));
        };
        if rows == 0 {
            return Ok(());
        }
        let before = self.ranges.range(..end).next_back();
        if let Some((other, to)) = before.filter(|(_, to)| **to > start) {
            let (from, to) = (start.max(*other), end.min(*to));
            let reason = format!("{from} to {} were observed already", to - 1);
            return Err(Error::invalid("rows", reason));
        }
        let touches = before.is_some_and(|(_, to)| *to == start) || self.ranges.contains_key(&end);
        if self.ranges.len() >= Self::MAX && !touches {
            let (actual, limit) = (self.ranges.len() as u64 + 1, Self::MAX as u64);
            return Err(Error::TooLarge { what: "pieces (ranges of rows)", actual, limit });
        }
        Ok(())
    }

    /// Adds rows that are not there yet.
    pub(super) fn insert(&mut self, start: u64, rows: u64) {
        if rows == 0 {
            return;
        }
        self.rows += rows;
        let mut end = start + rows;
        if let Some(next) = self.ranges.remove(&end) {
            end = next;
        }
        match self.ranges.range_mut(..start).next_back().filter(|(_, to)| **to == start) {
            Some((_, to)) => *to = end,
            None => {
                self.ranges.insert(start, end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_there_once() {
        let mut seen = RowRanges::default();
        seen.insert(10, 5);
        for (start, rows, clash) in [
            (0, 11, Some("10 to 10")),
            (14, 1, Some("14 to 14")),
            (12, 1, Some("12 to 12")),
            (0, 100, Some("10 to 14")),
            (0, 10, None),
            (15, 9, None),
            (12, 0, None),
        ] {
            let result = seen.check(start, rows).map_err(|error| error.to_string());
            let expected = clash.map(|rows| format!("invalid rows: {rows} were observed already"));
            assert_eq!(result.err(), expected, "{start} {rows}");
        }
        assert!(seen.check(u64::MAX, 2).is_err());
    }

    #[test]
    fn pieces_are_bounded() {
        let mut seen = RowRanges::default();
        for piece in 0..RowRanges::MAX as u64 {
            seen.check(2 * piece, 1).unwrap();
            seen.insert(2 * piece, 1);
        }
        assert!(matches!(seen.check(1 << 40, 1), Err(Error::TooLarge { .. })));
        // What closes a gap, or goes on where a piece ends, is welcome.
        for start in [1, 2 * RowRanges::MAX as u64 - 1] {
            seen.check(start, 1).unwrap();
        }
    }

    proptest! {
        #[test]
        fn any_order_of_pieces_is_the_whole(
            lengths in prop::collection::vec(0_u64..5, 1..20),
            order in prop::collection::vec(any::<u32>(), 20),
        ) {
            let mut pieces = Vec::new();
            let mut start = 3;
            for length in &lengths {
                pieces.push((start, *length));
                start += length;
            }
            let mut shuffled: Vec<_> = pieces.into_iter().zip(&order).collect();
            shuffled.sort_by_key(|(_, key)| **key);
            let mut seen = RowRanges::default();
            for ((start, rows), _) in shuffled {
                seen.check(start, rows).unwrap();
                seen.insert(start, rows);
            }
            let all = start - 3;
            prop_assert_eq!(seen.rows(), all);
            let ranges: Vec<_> = seen.iter().collect();
            prop_assert_eq!(ranges, if all > 0 { vec![(3, start)] } else { vec![] });
        }
    }
}

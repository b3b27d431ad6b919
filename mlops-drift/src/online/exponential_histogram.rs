//! [`ExponentialHistogram`]: the values of an `Adwin`, in buckets.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::MAX_MAGNITUDE;

/// A window over a stream, as an exponential histogram.
///
/// Row `r` has up to [`MAX_BUCKETS`] buckets of `2^r` values each, the oldest first; when there is one
/// more, the two oldest become a bucket of the next row. So the oldest values are in the last row.
/// Variances are merged as in Babcock, Datar, Motwani and O'Callaghan (2003), "Maintaining variance and
/// k-medians over data stream windows". The order of the operations is river's, whose results are
/// compared bit for bit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(super) struct ExponentialHistogram {
    rows: Vec<Row>,
    /// How many values: a whole number, kept as what it is used as.
    width: f64,
    total: f64,
    squares: f64,
}

/// Of one size, at most: `M` in the paper.
const MAX_BUCKETS: usize = 5;

/// Enough for 80 million values; one more doubles that.
const ROWS: usize = 24;

/// More rows than this would take 10^15 values.
const MAX_ROWS: usize = 48;

/// The sum of some values, and of their squared deviations from their mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Bucket {
    total: f64,
    squares: f64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(into = "Vec<Bucket>", try_from = "Vec<Bucket>")]
struct Row {
    buckets: [Bucket; MAX_BUCKETS + 1],
    len: usize,
}

impl Row {
    fn as_slice(&self) -> &[Bucket] {
        &self.buckets[..self.len]
    }

    fn push(&mut self, bucket: Bucket) {
        self.buckets[self.len] = bucket;
        self.len += 1;
    }

    /// Moves all places, used or not, because a constant number of them is moved without a call.
    fn drop_oldest(&mut self, count: usize) {
        self.buckets.copy_within(count.., 0);
        self.len -= count;
    }
}

/// A way to cut the window in two: sizes and sums of the older and of the newer part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) n0: f64,
    pub(super) n1: f64,
    pub(super) u0: f64,
    pub(super) u1: f64,
    /// How many buckets the older part is.
    pub(super) buckets: usize,
}

impl Default for ExponentialHistogram {
    fn default() -> Self {
        let mut rows = Vec::with_capacity(ROWS);
        rows.push(Row::default());
        Self { rows, width: 0.0, total: 0.0, squares: 0.0 }
    }
}

impl ExponentialHistogram {
    pub(super) fn width(&self) -> f64 {
        self.width
    }

    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// The sum of the squared deviations from the mean.
    pub(super) fn squares(&self) -> f64 {
        self.squares
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.rows.push(Row::default());
        (self.width, self.total, self.squares) = (0.0, 0.0, 0.0);
    }

    pub(super) fn push(&mut self, value: f64) {
        if self.width > 0.0 {
            let deviation = value - self.total / self.width;
            self.squares += self.width * deviation * deviation / (self.width + 1.0);
        }
        self.width += 1.0;
        self.total += value;
        self.rows[0].push(Bucket { total: value, squares: 0.0 });
        self.merge();
    }

    fn merge(&mut self) {
        let mut row = 0;
        while self.rows[row].len > MAX_BUCKETS {
            if row + 1 == self.rows.len() {
                self.rows.push(Row::default());
            }
            let size = size(row);
            let [older, newer, ..] = self.rows[row].buckets;
            let between = (older.total - newer.total) / size;
            self.rows[row].drop_oldest(2);
            self.rows[row + 1].push(Bucket {
                total: older.total + newer.total,
                squares: older.squares + newer.squares + size * 0.5 * between * between,
            });
            row += 1;
        }
    }

    /// Every cut, that with the smallest older part first.
    pub(super) fn cuts(&self) -> impl Iterator<Item = Cut> {
        let whole = Cut { n0: 0.0, n1: self.width, u0: 0.0, u1: self.total, buckets: 0 };
        let oldest_first = self.rows.iter().enumerate().rev().flat_map(|(row, buckets)| {
            let size = size(row);
            buckets.as_slice().iter().map(move |bucket| (size, bucket.total))
        });
        oldest_first
            .scan(whole, |cut, (size, total)| {
                cut.n0 += size;
                cut.n1 -= size;
                cut.u0 += total;
                cut.u1 -= total;
                cut.buckets += 1;
                Some(*cut)
            })
            .take_while(|cut| cut.n1 > 0.0)
    }

    /// Drops so many of the oldest buckets, of which there must be more.
    pub(super) fn drop_oldest(&mut self, buckets: usize) {
        for _ in 0..buckets {
            let row = self.rows.len() - 1;
            let oldest = self.rows[row].buckets[0];
            let size = size(row);
            self.width -= size;
            self.total -= oldest.total;
            let between = oldest.total / size - self.total / self.width;
            self.squares -=
                oldest.squares + size * self.width * between * between / (size + self.width);
            self.rows[row].drop_oldest(1);
            while self.rows.last().is_some_and(|row| row.len == 0) {
                self.rows.pop();
            }
        }
    }

    /// Makes up the sums from those of the buckets, without what rounding left of dropped ones.
    pub(super) fn recount(&mut self) {
        let (mut width, mut total, mut squares) = (0.0, 0.0, 0.0);
        for (row, buckets) in self.rows.iter().enumerate() {
            let size = size(row);
            for bucket in buckets.as_slice() {
                if width > 0.0 {
                    let between = bucket.total / size - total / width;
                    squares += size * width * between * between / (size + width);
                }
                squares += bucket.squares;
                total += bucket.total;
                width += size;
            }
        }
        (self.width, self.total, self.squares) = (width, total, squares);
    }
}

/// Values in a bucket of this row.
fn size(row: usize) -> f64 {
    (1_u64 << row) as f64
}

/// What is left in unused buckets does not count.
impl PartialEq for ExponentialHistogram {
    fn eq(&self, other: &Self) -> bool {
        let figures = |window: &Self| (window.width, window.total, window.squares);
        figures(self) == figures(other)
            && self.rows.iter().map(Row::as_slice).eq(other.rows.iter().map(Row::as_slice))
    }
}

impl From<Row> for Vec<Bucket> {
    fn from(row: Row) -> Self {
        row.as_slice().to_vec()
    }
}

impl TryFrom<Vec<Bucket>> for Row {
    type Error = Error;

    fn try_from(buckets: Vec<Bucket>) -> Result<Self> {
        if buckets.len() > MAX_BUCKETS {
            let reason = format!("{} buckets of one size, at most {MAX_BUCKETS}", buckets.len());
            return Err(Error::invalid("window", reason));
        }
        let mut row = Self::default();
        buckets.into_iter().for_each(|bucket| row.push(bucket));
        Ok(row)
    }
}

/// An [`ExponentialHistogram`] as it is read, whose figures need not fit together.
#[derive(Deserialize)]
#[serde(rename = "ExponentialHistogram")]
struct Unchecked {
    rows: Vec<Row>,
    width: f64,
    total: f64,
    squares: f64,
}

impl TryFrom<Unchecked> for ExponentialHistogram {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let Unchecked { rows, width, total, squares } = read;
        let invalid = |reason: &str| Err(Error::invalid("window", reason));
        if rows.is_empty() || rows.len() > MAX_ROWS {
            return invalid("there are no rows, or too many");
        }
        if rows.len() > 1 && rows.last().is_some_and(|row| row.len == 0) {
            return invalid("the last row is empty");
        }
        let counted: f64 =
            rows.iter().enumerate().map(|(row, has)| size(row) * has.len as f64).sum();
        if counted != width {
            return invalid("its width is not that of its buckets");
        }
        // Rounding may leave less than nothing of the squares.
        let is_possible = |size: f64, total: f64, squares: f64| {
            total.abs() <= 2.0 * size * MAX_MAGNITUDE
                && squares.abs() <= 4.0 * size * MAX_MAGNITUDE * MAX_MAGNITUDE
        };
        let mut buckets = rows
            .iter()
            .enumerate()
            .flat_map(|(row, has)| has.as_slice().iter().map(move |bucket| (size(row), bucket)));
        if !is_possible(width, total, squares)
            || !buckets.all(|(size, bucket)| is_possible(size, bucket.total, bucket.squares))
        {
            return invalid("its sums are not of usable values");
        }
        let mut window = Self { width, total, squares, ..Self::default() };
        window.rows.clear();
        window.rows.extend(rows);
        Ok(window)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_has_the_moments_of_its_values(
            values in prop::collection::vec(-100.0..100.0_f64, 2..400),
            drop in 0_usize..10,
        ) {
            let mut window = ExponentialHistogram::default();
            values.iter().for_each(|value| window.push(*value));
            let drop = drop.min(window.cuts().count());
            window.drop_oldest(drop);
            let left = &values[values.len() - window.width as usize..];
            let n = left.len() as f64;
            let mean = left.iter().sum::<f64>() / n;
            let squares: f64 = left.iter().map(|value| (value - mean).powi(2)).sum();
            for _ in 0..2 {
                prop_assert!((window.total / n - mean).abs() < 1e-9);
                prop_assert!((window.squares - squares).abs() < 1e-6, "{} {squares}", window.squares);
                window.recount();
            }
        }

        #[test]
        fn cuts_add_up(values in prop::collection::vec(0.0..1.0_f64, 1..300)) {
            let mut window = ExponentialHistogram::default();
            values.iter().for_each(|value| window.push(*value));
            for (index, cut) in window.cuts().enumerate() {
                prop_assert_eq!(cut.buckets, index + 1);
                prop_assert_eq!(cut.n0 + cut.n1, window.width);
                let older: f64 = values[..cut.n0 as usize].iter().sum();
                prop_assert!((cut.u0 - older).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_window_of_a_long_stream_is_small_and_where_it_was() {
        let mut window = ExponentialHistogram::default();
        let place = window.rows.as_ptr();
        (0..1_000_000).for_each(|n| window.push(f64::from(n % 2)));
        assert_eq!((window.width, window.rows.len()), (1e6, 18));
        assert_eq!((window.rows.as_ptr(), window.rows.capacity()), (place, ROWS));
    }
}

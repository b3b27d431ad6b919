//! [`CategoryCounts`], and how categories are tested without the reference having chosen them.

use std::collections::BTreeMap;

/// Rows of each category of a column, all of them, and rows without one.
///
/// Where all categories of both sides are known, neither is favoured; a profile only has those of its
/// reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryCounts {
    counts: BTreeMap<Box<str>, u64>,
    nulls: u64,
}

impl CategoryCounts {
    /// No rows of any category, and so many that are null.
    #[must_use]
    pub fn new(nulls: u64) -> Self {
        Self { counts: BTreeMap::new(), nulls }
    }

    /// Adds rows of a category.
    pub fn add(&mut self, category: &str, rows: u64) {
        if let Some(count) = self.counts.get_mut(category) {
            *count = count.saturating_add(rows);
        } else if rows > 0 {
            self.counts.insert(category.into(), rows);
        }
    }

    /// Rows, null or not.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.values().fold(self.nulls, |sum, rows| sum.saturating_add(*rows))
    }

    /// Rows that are null.
    #[must_use]
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Each category in the order of its name, and its rows.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.counts.iter().map(|(name, rows)| (&**name, *rows))
    }

    /// The names of either side, and the rows that both have of each.
    pub(crate) fn joined<'a>(&'a self, other: &'a Self) -> Vec<(&'a str, [u64; 2])> {
        let mut cells: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for (side, counts) in [self, other].into_iter().enumerate() {
            for (name, rows) in counts.counts() {
                cells.entry(name).or_default()[side] = rows;
            }
        }
        cells.into_iter().collect()
    }
}

/// Which categories of a profile can be tested one by one; all others are one cell, the last.
///
/// The categories of a profile are those that its reference happened to have, or had most of. So the
/// reference's count of a category that is near that limit is too large on average, and a test that takes it
/// as it is sees a difference in data that has none. A row's category is over a limit `T` without the row
/// itself only if its count is at least `T + 2`: by how much the rows over `T` are too many is therefore
/// known, `(T + 1)` rows for each category of just that count. The limit is the lowest at which that is
/// little beside chance; it mostly falls into a gap between rare and frequent categories.
///
/// `counts` are those of each category and, as the last, of all others, of which none has more than `least`
/// rows of the reference; `None` if no category can be tested.
pub(super) fn testable(
    reference: &[u64],
    current: &[u64],
    least: u64,
) -> Option<(Vec<u64>, Vec<u64>)> {
    let (others, kept) = reference.split_last()?;
    let mut sorted = kept.to_vec();
    sorted.sort_unstable();
    let rows = others + sorted.iter().sum::<u64>();
    let mut limits = vec![least.max(MIN_LIMIT)];
    for count in &sorted {
        limits.extend([*count, count + 2 * (*count as f64).sqrt().ceil() as u64 + 2]);
    }
    limits.sort_unstable();
    limits.dedup();
    let ratio = 1.0 + rows as f64 / current.iter().sum::<u64>().max(1) as f64;
    let limit =
        limits.into_iter().filter(|limit| *limit >= least.max(MIN_LIMIT)).find(|limit| {
            let rare: u64 = others
                + sorted[..sorted.partition_point(|count| count <= limit)].iter().sum::<u64>();
            // Counts next to the limit, averaged over as many as chance makes of one.
            let spread = (*limit as f64).sqrt() as u64;
            let near = sorted.partition_point(|count| count + spread <= *limit)
                ..sorted.partition_point(|count| *count <= limit + 1 + spread);
            let excess = sorted[near].iter().sum::<u64>() as f64 / (2 * spread + 1) as f64;
            let share = rare as f64 / rows as f64;
            excess <= NEGLIGIBLE * (rare as f64 * (1.0 - share) * ratio).sqrt()
        })?;
    let frequent: Vec<usize> = (0..kept.len()).filter(|cell| kept[*cell] > limit).collect();
    if frequent.is_empty() {
        return None;
    }
    let cells = |counts: &[u64]| {
        let mut cells: Vec<u64> = frequent.iter().map(|cell| counts[*cell]).collect();
        cells.push(counts.iter().sum::<u64>() - cells.iter().sum::<u64>());
        cells
    };
    Some((cells(reference), cells(current)))
}

/// Rows of a category up to which it is always rare.
const MIN_LIMIT: u64 = 4;
/// Of the standard deviation of the number of rare rows: what does not count beside it.
const NEGLIGIBLE: f64 = 0.2;

/// How many categories of the reference have one row, and how many two.
pub(super) fn rare(counts: impl Iterator<Item = u64>) -> [u64; 2] {
    counts.fold([0, 0], |[one, two], count| {
        [one + u64::from(count == 1), two + u64::from(count == 2)]
    })
}

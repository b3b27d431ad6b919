//! [`Categories`]: which values of a category are counted one by one.

use std::collections::HashMap;

use mlops_core::{Error, Result};

use super::hyperloglog::hash;

/// The most frequent categories of a reference, in the order of their names, and whether that was all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories {
    names: Box<[Box<str>]>,
    complete: bool,
    /// A hash table with open addressing, at least half empty: places among the names.
    slots: Box<[u32]>,
}

/// What a slot without a name holds.
const EMPTY: u32 = u32::MAX;

impl Categories {
    /// How many categories there can be.
    pub const MAX: usize = 4096;

    /// Bytes in the longest name that is kept. Rows of a longer one are counted as others, so that a column
    /// of texts does not fill the memory.
    pub const MAX_NAME_BYTES: usize = 256;

    /// The `max` most frequent values; of equally frequent ones those first in the alphabet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `max` is 0 or more than [`Categories::MAX`].
    pub fn fit<'a>(values: impl IntoIterator<Item = &'a str>, max: usize) -> Result<Self> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for value in values {
            *counts.entry(value).or_default() += 1;
        }
        Self::most_frequent(counts.into_iter(), true, max)
    }

    /// The same of the rows of each value; `all_known` if there are no other values.
    pub(crate) fn most_frequent<'a>(
        counts: impl Iterator<Item = (&'a str, u64)>,
        all_known: bool,
        max: usize,
    ) -> Result<Self> {
        if max == 0 || max > Self::MAX {
            let reason = format!("{max} is not from 1 to {}", Self::MAX);
            return Err(Error::invalid("categories", reason));
        }
        let mut frequent: Vec<_> = counts.collect();
        let distinct = frequent.len();
        frequent.retain(|(name, _)| name.len() <= Self::MAX_NAME_BYTES);
        frequent.sort_unstable_by(|(a, rows_a), (b, rows_b)| rows_b.cmp(rows_a).then(a.cmp(b)));
        frequent.truncate(max);
        let mut names: Box<[Box<str>]> =
            frequent.into_iter().map(|(name, _)| Box::from(name)).collect();
        names.sort_unstable();
        let complete = all_known && names.len() == distinct;
        Ok(Self::new(names, complete))
    }

    /// Categories as they were stored.
    pub(super) fn stored(names: Box<[Box<str>]>, complete: bool) -> Result<Self> {
        if names.len() > Self::MAX {
            let reason = format!("{} are more than {}", names.len(), Self::MAX);
            return Err(Error::invalid("categories", reason));
        }
        if let Some(name) = names.iter().find(|name| name.len() > Self::MAX_NAME_BYTES) {
            let reason = format!("a name of {} bytes is too long", name.len());
            return Err(Error::invalid("categories", reason));
        }
        if let Some(pair) = names.windows(2).find(|pair| pair[0] >= pair[1]) {
            let reason = format!("`{}` does not come after `{}`", pair[1], pair[0]);
            return Err(Error::invalid("categories", reason));
        }
        Ok(Self::new(names, complete))
    }

    fn new(names: Box<[Box<str>]>, complete: bool) -> Self {
        let mut slots = vec![EMPTY; (2 * names.len()).next_power_of_two()];
        for (place, name) in (0..).zip(&names) {
            let mut slot = hash(name.as_bytes()) as usize % slots.len();
            while slots[slot] != EMPTY {
                slot = (slot + 1) % slots.len();
            }
            slots[slot] = place;
        }
        Self { names, complete, slots: slots.into() }
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// True if these are all categories of the reference: any other value is then a new one.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The cell of a value: its place among the names, or after them all if it is not one of them.
    #[must_use]
    pub fn cell(&self, value: &str) -> usize {
        self.cell_of(value, hash(value.as_bytes()))
    }

    /// The cell of a value whose hash is known.
    pub(super) fn cell_of(&self, value: &str, hash: u64) -> usize {
        // A power of two, so that the remainder is a mask.
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(name) = self.names.get(self.slots[slot] as usize) {
            if **name == *value {
                return self.slots[slot] as usize;
            }
            slot = (slot + 1) & mask;
        }
        self.names.len()
    }
}

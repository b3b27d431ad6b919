//! [`KeySet`]: which values there are, up to a limit.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use super::Key;

/// Keys and the first row of each; above a limit, a sample of them that depends on the keys alone.
///
/// Adaptive sampling (Wegman; Flajolet 1990, "On adaptive sampling"): at level `l`, those keys are kept whose
/// first `l` bits are 0; whenever there are more than the limit, the level rises and about half of them
/// go. A key that is kept at the end was kept from the beginning, so what is known of it is exact. The
/// level is the lowest at which the keys fit, in whatever order they came.
#[derive(Debug, Clone)]
pub(in crate::quality) struct KeySet {
    limit: usize,
    level: u32,
    rows: HashMap<Key, u64, BuildHasherDefault<KeyHasher>>,
}

/// A map from keys.
pub(super) type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<KeyHasher>>;

/// What became of a key that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::quality) enum Offer {
    /// It is not in the sample.
    Outside,
    /// It was not there, and is now.
    New,
    /// It was there: this is the later one of the two rows.
    Repeat(u64),
}

impl KeySet {
    pub(in crate::quality) fn new(limit: usize) -> Self {
        Self { limit, level: 0, rows: HashMap::default() }
    }

    /// Whether a key is in the sample, as far as is known by now.
    pub(super) fn has_room_for(&self, key: Key) -> bool {
        self.level == 0 || key.0.leading_zeros() >= self.level
    }

    /// Adds a key at a row.
    pub(in crate::quality) fn offer(&mut self, key: Key, row: u64) -> Offer {
        if !self.has_room_for(key) {
            return Offer::Outside;
        }
        match self.rows.entry(key) {
            Entry::Occupied(mut first) => {
                let later = row.max(*first.get());
                *first.get_mut() = row.min(*first.get());
                return Offer::Repeat(later);
            }
            Entry::Vacant(place) => {
                place.insert(row);
            }
        }
        if self.rows.len() > self.limit {
            self.shrink();
        }
        Offer::New
    }

    fn shrink(&mut self) {
        while self.rows.len() > self.limit && self.level < u64::BITS {
            self.level += 1;
            let level = self.level;
            self.rows.retain(|key, _| key.0.leading_zeros() >= level);
        }
    }

    /// Drops what is not in the other's sample.
    pub(super) fn raise_to(&mut self, other: &Self) {
        if self.level < other.level {
            self.level = other.level;
            let level = self.level;
            self.rows.retain(|key, _| key.0.leading_zeros() >= level);
        }
    }

    /// One in `2^level` of all keys is kept.
    pub(super) fn level(&self) -> u32 {
        self.level
    }

    /// True if no key was dropped.
    pub(in crate::quality) fn is_complete(&self) -> bool {
        self.level == 0
    }

    /// How many keys are kept.
    pub(in crate::quality) fn len(&self) -> usize {
        self.rows.len()
    }

    /// About how many keys there are; exact, if no one was dropped. The standard error is about
    /// `1.2 / √limit` of it (Flajolet 1990).
    pub(super) fn estimate(&self) -> f64 {
        self.rows.len() as f64 * 2.0_f64.powi(self.level as i32)
    }

    /// The first row of a key that is kept.
    pub(super) fn first_row(&self, key: Key) -> Option<u64> {
        self.rows.get(&key).copied()
    }

    /// The keys that are kept, and their first rows, in no order.
    pub(in crate::quality) fn iter(&self) -> impl Iterator<Item = (Key, u64)> {
        self.rows.iter().map(|(key, row)| (*key, *row))
    }
}

/// Keys are hashes already. The multiplication moves what the sampling leaves of them to where the map looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = (self.0.rotate_left(32) ^ half).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::hash::murmur3, *};

    fn of(numbers: impl IntoIterator<Item = u64>, limit: usize) -> KeySet {
        let mut keys = KeySet::new(limit);
        for (row, number) in (0..).zip(numbers) {
            keys.offer(murmur3(&number.to_le_bytes()), row);
        }
        keys
    }

    #[test]
    fn estimates_are_as_close_as_documented() {
        // Root mean square of relative errors over independent sets of values.
        let (sets, limit, size) = (200, 256, 10_000);
        let squares = (0..sets).map(|set| {
            let keys = of(set * size..(set + 1) * size, limit);
            assert!(keys.len() <= limit && !keys.is_complete());
            (keys.estimate() / size as f64 - 1.0).powi(2)
        });
        let error = (squares.sum::<f64>() / sets as f64).sqrt();
        let expected = 1.2 / (limit as f64).sqrt();
        assert!((0.7 * expected..1.3 * expected).contains(&error), "{error} {expected}");
    }

    #[test]
    fn a_limit_of_one_ends() {
        let keys = of(0..10_000, 1);
        assert!(keys.len() <= 1 && keys.level() > 5);
    }

    proptest! {
        #[test]
        fn what_is_kept_depends_on_the_keys_alone(
            mut numbers in prop::collection::vec(0_u64..300, 0..300), limit in 1_usize..100, cut: usize,
        ) {
            let whole = of(numbers.iter().copied(), limit);
            let (a, b) = numbers.split_at(cut % (numbers.len() + 1));
            let mut merged = of(a.iter().copied(), limit);
            let other = of(b.iter().copied(), limit);
            merged.raise_to(&other);
            for (key, row) in other.iter() {
                merged.offer(key, a.len() as u64 + row);
            }
            prop_assert_eq!((merged.level, &merged.rows), (whole.level, &whole.rows));
            numbers.sort_unstable();
            let sorted = of(numbers.iter().copied(), limit);
            let keys = |set: &KeySet| {
                let mut keys: Vec<_> = set.rows.keys().copied().collect();
                keys.sort_unstable();
                keys
            };
            prop_assert_eq!((sorted.level, keys(&sorted)), (whole.level, keys(&whole)));
        }
    }
}

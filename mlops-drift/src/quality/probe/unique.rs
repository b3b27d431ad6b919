//! [`UniqueProbe`]: which rows repeat others.

use super::{
    Key, KeySet, Offer, Outcome, Verdict, View,
    hash::{RowHash, key, murmur3},
    keys::KeyMap,
    types::SeenTypes,
};
use crate::quality::{CheckerOptions, Sample};

/// Judges each row by whether one before it has the same values.
#[derive(Debug, Clone)]
pub(in crate::quality) struct UniqueProbe {
    keys: KeySet,
    /// Of keys that are there more than once.
    repeats: KeyMap<Repeats>,
    max_samples: usize,
    /// Rows that were judged.
    rows: u64,
    types: SeenTypes,
}

/// Rows that repeat a key: all but its first.
#[derive(Debug, Clone, Copy)]
struct Repeats {
    rows: u64,
    first: u64,
}

impl UniqueProbe {
    pub(super) fn new(options: &CheckerOptions) -> Self {
        Self {
            keys: KeySet::new(options.max_keys),
            repeats: KeyMap::default(),
            max_samples: options.samples,
            rows: 0,
            types: SeenTypes::default(),
        }
    }

    /// Looks at the columns that were asked for; if there are none, at all of the batch.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        if view.batch.rows() == 0 {
            return;
        }
        match view.columns {
            [] => self.observe_rows(view),
            [column] => {
                self.types.see(view.columns.iter(), view.first_row);
                for row in 0..column.len() {
                    if let Some(key) = key(*column, row) {
                        self.add(key, view.first_row + row as u64);
                    }
                }
            }
            columns => {
                self.types.see(columns.iter(), view.first_row);
                for row in 0..view.batch.rows() {
                    let mut hash = RowHash::default();
                    let there = columns
                        .iter()
                        .all(|values| key(*values, row).map(|key| hash.add(key)).is_some());
                    if there {
                        self.add(hash.finish(), view.first_row + row as u64);
                    }
                }
            }
        }
    }

    /// Whole rows: by the names of their columns, so that the order of these does not matter.
    fn observe_rows(&mut self, view: &View<'_>) {
        /// What no value has for a key: those have 0 in their second half, or are hashes.
        const NULL: Key = Key(0, 1);
        let mut columns: Vec<_> = view.batch.columns().iter().collect();
        columns.sort_unstable_by_key(|(name, _)| *name);
        self.types.see(columns.iter().map(|(_, values)| values), view.first_row);
        let mut names = RowHash::default();
        for (name, _) in &columns {
            names.add(murmur3(name.as_bytes()));
        }
        for row in 0..view.batch.rows() {
            let mut hash = names;
            for (_, values) in &columns {
                hash.add(key(*values, row).unwrap_or(NULL));
            }
            self.add(hash.finish(), view.first_row + row as u64);
        }
    }

    fn add(&mut self, key: Key, row: u64) {
        self.rows += 1;
        let level = self.keys.level();
        match self.keys.offer(key, row) {
            Offer::Repeat(later) => self.repeat(key, Repeats { rows: 1, first: later }),
            Offer::New if self.keys.level() > level => self.forget(),
            Offer::New | Offer::Outside => {}
        }
    }

    fn repeat(&mut self, key: Key, repeats: Repeats) {
        if self.keys.has_room_for(key) {
            let known = self.repeats.entry(key).or_insert(Repeats { rows: 0, first: u64::MAX });
            known.rows += repeats.rows;
            known.first = known.first.min(repeats.first);
        }
    }

    /// Drops what is known of keys that are no longer kept.
    fn forget(&mut self) {
        let keys = &self.keys;
        self.repeats.retain(|key, _| keys.has_room_for(*key));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.types.merge(&other.types);
        let rows = self.rows + other.rows;
        self.keys.raise_to(&other.keys);
        self.forget();
        for (key, row) in other.keys.iter() {
            self.add(key, row);
        }
        for (key, repeats) in &other.repeats {
            self.repeat(*key, *repeats);
        }
        self.rows = rows;
    }

    pub(super) fn outcome(&self, mostly: f64) -> Outcome {
        if let Some(reason) = self.types.changed() {
            return Outcome::error(reason, self.rows);
        }
        if self.rows == 0 {
            return Outcome::insufficient("there is no row to judge", 0);
        }
        let found: u64 = self.repeats.values().map(|repeats| repeats.rows).sum();
        let passing = (self.rows - found) as f64 / self.rows as f64;
        let failed = passing < mostly || (mostly == 1.0 && found > 0);
        let sampled = (!self.keys.is_complete()).then(|| {
            format!(
                "of about {:.0} different values, {} were kept",
                self.keys.estimate(),
                self.keys.len()
            )
        });
        let verdict = match &sampled {
            _ if failed => Verdict::Failed,
            None => Verdict::Passed,
            Some(sampled) => Verdict::Insufficient(format!(
                "{sampled} (`max_keys`); {found} rows repeat one of these"
            )),
        };
        let all = found as f64 * 2.0_f64.powi(self.keys.level() as i32);
        let observed = Some((all / self.rows as f64).min(1.0));
        let mut firsts: Vec<_> =
            self.repeats.iter().map(|(key, repeats)| (repeats.first, *key)).collect();
        firsts.sort_unstable();
        let samples = firsts.into_iter().take(self.max_samples).filter_map(|(row, key)| {
            let first = self.keys.first_row(key)?;
            Some(Sample { row, value: format!("as in row {first}") })
        });
        Outcome {
            detail: sampled,
            failing: found,
            samples: samples.collect(),
            ..Outcome::new(verdict, observed, self.rows)
        }
    }
}

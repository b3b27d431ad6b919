//! [`SchemaBuilder`]: looks at a reference.

use std::collections::BTreeSet;

use mlops_core::{Error, Result, stats::proportion::Proportion, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::{ColumnSchema, Schema};
use crate::quality::{
    Batch, Bound, CheckerOptions, ColumnType, Order, Values,
    probe::{Key, KeySet, Offer, OrderProbe, key},
    row_ranges::RowRanges,
};

/// How a [`Schema`] is inferred.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SchemaOptions {
    /// By which share of its width a range of numbers or times is widened at either end, and lengths of texts
    /// likewise. Of new rows from the same distribution, a share of up to `2 / (n + 1)` is expected outside
    /// the range of the `n` that were seen, so that without slack any large data set has some.
    pub slack: f64,
    /// A text with at most so many different values is a category, and these are all that it may have.
    pub max_categories: usize,
    /// How many different values of a column are told apart. One with more is not taken for unique.
    pub max_keys: usize,
}

impl Default for SchemaOptions {
    /// A tenth of slack, 32 categories, 2^20 values.
    fn default() -> Self {
        let max_keys = CheckerOptions::default().max_keys;
        Self { slack: 0.1, max_categories: 32, max_keys }
    }
}

impl SchemaOptions {
    /// With ranges widened by this share.
    #[must_use]
    pub fn with_slack(mut self, slack: f64) -> Self {
        self.slack = slack;
        self
    }

    /// With at most this many categories.
    #[must_use]
    pub fn with_max_categories(mut self, max_categories: usize) -> Self {
        self.max_categories = max_categories;
        self
    }

    /// With this many values told apart.
    #[must_use]
    pub fn with_max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }
}

/// Characters of a category at most; a column with a longer value has no categories.
const MAX_CATEGORY_BYTES: usize = 256;
/// How sure it is that the share of nulls is not above what is inferred from the reference's.
const CONFIDENCE: f64 = 0.99;
/// From how many rows on an order, or that no value is there twice, is not by chance.
const MIN_ROWS: u64 = 20;

/// Looks at the rows of a reference, in batches, and infers its [`Schema`]. As for a
/// [`Checker`](crate::quality::Checker), rows are numbered, batches may come in any order and builders merge;
/// every batch has the same columns.
///
/// Inferred are, for each column:
/// * its type;
/// * the share of nulls: none, if there were none, and otherwise the upper end of the 99 % interval of Clopper
///   and Pearson; and the same for numbers that are not finite;
/// * the range of its numbers or times, and of the lengths of its texts, widened by
///   [`slack`](SchemaOptions::slack), but not across 0;
/// * its categories, if they are at most [`max_categories`](SchemaOptions::max_categories) and half of the rows;
/// * that it is unique, for whole numbers, texts and times, and that it increases strictly or not, for
///   whole numbers and times without a null; either from 20 values on.
#[derive(Debug, Clone)]
pub struct SchemaBuilder {
    options: SchemaOptions,
    columns: Vec<Column>,
    seen: RowRanges,
    next_row: u64,
}

impl SchemaBuilder {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a slack that is negative or not finite, and if `max_keys` is 0.
    pub fn new(options: &SchemaOptions) -> Result<Self> {
        let invalid = |reason| Err(Error::invalid("schema options", reason));
        if !(options.slack.is_finite() && options.slack >= 0.0) {
            return invalid(format!("`slack` is {}", options.slack));
        }
        if options.max_keys == 0 {
            return invalid("`max_keys` is 0".to_owned());
        }
        let seen = RowRanges::default();
        Ok(Self { options: *options, columns: Vec::new(), seen, next_row: 0 })
    }

    /// Looks at some rows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the column, if columns are missing, new, in another order or of another
    /// type than before, or a row was seen already; [`Error::TooLarge`] for more than 65536 gaps between batches.
    /// Nothing is counted then.
    pub fn observe(&mut self, batch: &Batch<'_>) -> Result<()> {
        let first_row = batch.first_row().unwrap_or(self.next_row);
        let rows = batch.rows() as u64;
        let found = batch.columns().iter().map(|(name, values)| (*name, values.data_type()));
        if !self.columns.is_empty() {
            self.check_columns(found)?;
        }
        self.seen.check(first_row, rows)?;
        if self.columns.is_empty() {
            let columns = batch.columns().iter();
            self.columns = columns
                .map(|(name, values)| Column::new(name, values.data_type(), &self.options))
                .collect();
        }
        for (column, (_, values)) in self.columns.iter_mut().zip(batch.columns()) {
            column.observe(*values, first_row, &self.options)?;
        }
        self.seen.insert(first_row, rows);
        self.next_row = first_row + rows;
        Ok(())
    }

    fn check_columns<'a>(
        &self,
        found: impl ExactSizeIterator<Item = (&'a str, ColumnType)>,
    ) -> Result<()> {
        let invalid = |reason| Err(Error::invalid("columns", reason));
        if found.len() != self.columns.len() {
            return invalid(format!(
                "{}, where there were {} before",
                found.len(),
                self.columns.len()
            ));
        }
        for (mine, (name, data_type)) in self.columns.iter().zip(found) {
            if *mine.name != *name {
                return invalid(format!("`{name}`, where `{}` was before", mine.name));
            }
            if mine.data_type != data_type {
                let before = mine.data_type;
                return invalid(format!(
                    "`{name}` is of type {data_type}, and was of type {before}"
                ));
            }
        }
        Ok(())
    }

    /// Adds the rows of another builder with the same options.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] as for [`observe`](Self::observe), and if options differ. Nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.options != other.options {
            return Err(Error::invalid("schema builder", "its options differ"));
        }
        if other.columns.is_empty() {
            return Ok(());
        }
        if !self.columns.is_empty() {
            self.check_columns(
                other.columns.iter().map(|column| (&*column.name, column.data_type)),
            )?;
        }
        let mut seen = self.seen.clone();
        for (start, end) in other.seen.iter() {
            seen.check(start, end - start)?;
            seen.insert(start, end - start);
        }
        self.seen = seen;
        self.next_row = self.next_row.max(other.next_row);
        if self.columns.is_empty() {
            self.columns.clone_from(&other.columns);
            return Ok(());
        }
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.merge(theirs, &self.options);
        }
        Ok(())
    }

    /// The schema of the rows seen so far.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there were none.
    pub fn finish(&self) -> Result<Schema> {
        if self.seen.rows() == 0 {
            return Err(Error::invalid("reference", "it has no rows"));
        }
        let columns = self.columns.iter().map(|column| column.schema(&self.options));
        Ok(Schema { columns: columns.collect::<Result<_>>()? })
    }
}

/// What is kept of a column.
#[derive(Debug, Clone)]
struct Column {
    name: Box<str>,
    data_type: ColumnType,
    rows: u64,
    nulls: u64,
    not_finite: u64,
    /// Of whole numbers and times (microseconds), and of the lengths of texts.
    whole: Option<(i64, i64)>,
    /// Of numbers.
    double: Option<(f64, f64)>,
    /// `None` once there are too many.
    categories: Option<BTreeSet<Box<str>>>,
    /// `None` once a value was there twice, or there were too many.
    keys: Option<KeySet>,
    /// Whether each value is at least the one before it, and whether it is above it.
    orders: Option<[OrderProbe; 2]>,
}

impl Column {
    fn new(name: &str, data_type: ColumnType, options: &SchemaOptions) -> Self {
        let is_text = data_type == ColumnType::Text;
        let is_whole = matches!(data_type, ColumnType::Integer | ColumnType::Time);
        let orders = [Order::Increasing, Order::StrictlyIncreasing];
        Self {
            name: name.into(),
            data_type,
            rows: 0,
            nulls: 0,
            not_finite: 0,
            whole: None,
            double: None,
            categories: is_text.then(BTreeSet::new),
            keys: (is_text || is_whole).then(|| KeySet::new(options.max_keys)),
            orders: is_whole.then(|| orders.map(|order| OrderProbe::new(order, 0))),
        }
    }

    fn observe(
        &mut self,
        values: Values<'_>,
        first_row: u64,
        options: &SchemaOptions,
    ) -> Result<()> {
        self.rows += values.len() as u64;
        match values {
            Values::Integers(values) => values.iter().for_each(|value| self.see_whole(*value)),
            Values::Times(values) => {
                values.iter().for_each(|time| self.see_whole(time.map(Timestamp::as_micros)));
            }
            Values::Texts(values) => {
                for text in values {
                    self.see_whole(text.map(|text| text.chars().count() as i64));
                    if let Some(text) = text {
                        self.see_category(text, options);
                    }
                }
            }
            Values::Booleans(values) => {
                self.nulls += values.iter().filter(|value| value.is_none()).count() as u64;
            }
            Values::Numbers(values) => {
                for value in values {
                    match value {
                        None => self.nulls += 1,
                        Some(value) if !value.is_finite() => self.not_finite += 1,
                        Some(value) => {
                            // Zeros without a sign: which one came first must not matter.
                            let value = value + 0.0;
                            let (min, max) = self.double.unwrap_or((value, value));
                            self.double = Some((min.min(value), max.max(value)));
                        }
                    }
                }
            }
        }
        if self.keys.is_some() {
            for row in 0..values.len() {
                if let Some(key) = key(values, row) {
                    self.see_key(key, first_row + row as u64);
                }
            }
        }
        for order in self.orders.iter_mut().flatten() {
            order.observe(values, first_row).map_err(|reason| Error::invalid("columns", reason))?;
        }
        Ok(())
    }

    fn see_whole(&mut self, value: Option<i64>) {
        match value {
            None => self.nulls += 1,
            Some(value) => {
                let (min, max) = self.whole.unwrap_or((value, value));
                self.whole = Some((min.min(value), max.max(value)));
            }
        }
    }

    fn see_category(&mut self, text: &str, options: &SchemaOptions) {
        let Some(categories) = &mut self.categories else { return };
        if !categories.contains(text) {
            if categories.len() == options.max_categories || text.len() > MAX_CATEGORY_BYTES {
                self.categories = None;
            } else {
                categories.insert(text.into());
            }
        }
    }

    fn see_key(&mut self, key: Key, row: u64) {
        if let Some(keys) = &mut self.keys
            && (matches!(keys.offer(key, row), Offer::Repeat(_)) || !keys.is_complete())
        {
            self.keys = None;
        }
    }

    fn merge(&mut self, other: &Self, options: &SchemaOptions) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.not_finite += other.not_finite;
        self.whole = match (self.whole, other.whole) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (mine, theirs) => mine.or(theirs),
        };
        self.double = match (self.double, other.double) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (mine, theirs) => mine.or(theirs),
        };
        match &other.categories {
            Some(categories) => {
                categories.iter().for_each(|category| self.see_category(category, options));
            }
            None => self.categories = None,
        }
        match &other.keys {
            Some(keys) => keys.iter().for_each(|(key, row)| self.see_key(key, row)),
            None => self.keys = None,
        }
        if let (Some(mine), Some(theirs)) = (&mut self.orders, &other.orders) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(theirs));
        }
    }

    fn schema(&self, options: &SchemaOptions) -> Result<ColumnSchema> {
        let there = self.rows - self.nulls;
        let mut schema = ColumnSchema::new(&*self.name, self.data_type);
        schema.max_null_share = share(self.nulls, self.rows)?;
        schema.max_not_finite_share = share(self.not_finite, there)?;
        let range = self.whole.map(|range| widened_whole(range, options.slack));
        match (self.data_type, range) {
            (ColumnType::Integer, Some((min, max))) => {
                (schema.min, schema.max) = (Some(Bound::Integer(min)), Some(Bound::Integer(max)));
            }
            (ColumnType::Time, Some((min, max))) => {
                let bound = |micros| Some(Bound::Time(Timestamp::from_micros(micros)));
                (schema.min, schema.max) = (bound(min), bound(max));
            }
            (ColumnType::Text, Some((min, max))) => {
                let length = |length| Some(u32::try_from(length).unwrap_or(u32::MAX));
                (schema.min_length, schema.max_length) = (length(min), length(max));
            }
            _ => {}
        }
        if let Some((min, max)) = self.double.map(|range| widened(range, options.slack)) {
            (schema.min, schema.max) = (Some(Bound::Number(min)), Some(Bound::Number(max)));
        }
        schema.categories = self
            .categories
            .as_ref()
            .filter(|names| !names.is_empty() && 2 * names.len() as u64 <= there)
            .map(|names| names.iter().map(|name| String::from(&**name)).collect());
        let enough = there >= MIN_ROWS;
        schema.unique = enough && self.keys.is_some();
        schema.order = self.orders.as_ref().filter(|_| enough && self.nulls == 0).and_then(
            |[increasing, strictly]| {
                if strictly.is_kept() {
                    Some(Order::StrictlyIncreasing)
                } else {
                    increasing.is_kept().then_some(Order::Increasing)
                }
            },
        );
        Ok(schema)
    }
}

/// The share that there may be: none, if there was none; 1 says nothing any more.
fn share(count: u64, rows: u64) -> Result<f64> {
    if count == 0 {
        return Ok(0.0);
    }
    let upper = Proportion::new(count, rows)?.clopper_pearson_interval(CONFIDENCE)?.high;
    // Four digits are enough for a person, and rounded up they are no less.
    Ok(((upper * 1e4).ceil() / 1e4).min(1.0))
}

/// A range widened at either end by a share of its width, but not across 0.
fn widened((min, max): (f64, f64), slack: f64) -> (f64, f64) {
    let by = (slack * (max / 2.0 - min / 2.0) * 2.0).min(f64::MAX);
    let low = (min - by).max(if min >= 0.0 { 0.0 } else { f64::MIN });
    let high = (max + by).min(if max <= 0.0 { 0.0 } else { f64::MAX });
    (low, high)
}

/// The same of whole numbers.
fn widened_whole((min, max): (i64, i64), slack: f64) -> (i64, i64) {
    let width = i128::from(max) - i128::from(min);
    let by = (slack * width as f64).ceil() as i128;
    let low = i128::from(min).saturating_sub(by).max(if min >= 0 { 0 } else { i64::MIN.into() });
    let high = i128::from(max).saturating_add(by).min(if max <= 0 { 0 } else { i64::MAX.into() });
    // Within the range of `i64` by now.
    (low as i64, high as i64)
}

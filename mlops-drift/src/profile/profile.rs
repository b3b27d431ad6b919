//! [`Profile`]: all features of a data set.

use std::{collections::BTreeSet, sync::Arc};

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::{Column, FeatureProfile, Value};

/// What is kept of a data set: a [`FeatureProfile`] for each named feature, and the number of rows.
///
/// ```
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::profile::{Column, Origin, Profile, ProfileOptions, Value};
///
/// # fn main() -> mlops_core::Result<()> {
/// let ages: Vec<f64> = (0..1000).map(|row| f64::from(20 + row % 50)).collect();
/// let plans: Vec<&str> = (0..1000).map(|row| ["free", "pro"][row % 2]).collect();
/// let origin = Origin::new("customers 2026-10", Timestamp::EPOCH);
/// let columns = [("age", Column::numeric(&ages)), ("plan", Column::categorical(&plans))];
/// let reference = Profile::fit(&columns, origin, &ProfileOptions::default())?;
///
/// // Each replica counts what it serves; whoever collects the counts adds them up.
/// let mut monday = reference.empty_like();
/// monday.observe_row(&[Value::Number(35.0), Value::Category("pro")])?;
/// let mut tuesday = reference.empty_like();
/// tuesday.observe_row(&[Value::Null, Value::Category("team")])?;
/// monday.merge(&tuesday)?;
/// assert_eq!(monday.rows(), 2);
/// assert_eq!(monday.feature("age").map(|age| age.nulls()), Some(1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "super::file::Stored", into = "super::file::Stored")]
pub struct Profile {
    pub(super) origin: Arc<Origin>,
    /// In the order of the columns that it was fitted to; at least one.
    pub(super) features: Vec<(Arc<str>, FeatureProfile)>,
    pub(super) rows: u64,
}

/// What a reference was made of, and when. A profile that is [`empty_like`](Profile::empty_like) a reference
/// has the reference's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The data, in a word that its owner knows it by: a path, a digest, the version of a judge.
    pub source: String,
    /// When the profile was fitted.
    pub made_at: Timestamp,
}

impl Origin {
    /// Made of this at this time.
    #[must_use]
    pub fn new(source: impl Into<String>, made_at: Timestamp) -> Self {
        Self { source: source.into(), made_at }
    }
}

/// How finely a [`Profile`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProfileOptions {
    /// Bins between the least and the greatest value of a number, from 1 to 255. More see finer changes of
    /// shape and take more memory: 16 bytes each, and about 40 in a file.
    pub bins: usize,
    /// Categories that are counted one by one, from 1 to [`Categories::MAX`](super::Categories::MAX).
    pub categories: usize,
}

impl Default for ProfileOptions {
    /// 96 bins, so that a feature takes no more than 4 KB of a file, and 256 categories.
    fn default() -> Self {
        Self { bins: 96, categories: 256 }
    }
}

impl ProfileOptions {
    /// With at most this many bins.
    #[must_use]
    pub fn with_bins(mut self, bins: usize) -> Self {
        self.bins = bins;
        self
    }

    /// With at most this many categories counted one by one.
    #[must_use]
    pub fn with_categories(mut self, categories: usize) -> Self {
        self.categories = categories;
        self
    }
}

impl Profile {
    /// The profile of a reference, from its columns.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the column: without columns or rows, for columns of different
    /// lengths, a name that is empty or used twice, and options out of their range.
    pub fn fit(
        columns: &[(&str, Column<'_>)],
        origin: Origin,
        options: &ProfileOptions,
    ) -> Result<Self> {
        let rows = rows_of(columns)?;
        if rows == 0 {
            return Err(Error::invalid("columns", "a reference has at least one row"));
        }
        let features = columns
            .iter()
            .map(|(name, column)| {
                let profile = FeatureProfile::fit(*column, options).map_err(about(name))?;
                Ok((Arc::from(*name), profile))
            })
            .collect::<Result<Vec<_>>>()?;
        check_names(&features)?;
        Ok(Self { origin: Arc::new(origin), features, rows })
    }

    /// The profile of a reference, from that of each feature.
    #[cfg(feature = "polars")]
    pub(crate) fn of_features(
        features: Vec<(Arc<str>, FeatureProfile)>,
        origin: Origin,
        rows: u64,
    ) -> Result<Self> {
        if rows == 0 {
            return Err(Error::invalid("frame", "a reference has at least one row"));
        }
        check_names(&features)?;
        Ok(Self { origin: Arc::new(origin), features, rows })
    }

    /// The profile of no rows, with the same features, edges and categories.
    #[must_use]
    pub fn empty_like(&self) -> Self {
        let features = self.features.iter();
        Self {
            origin: Arc::clone(&self.origin),
            features: features.map(|(name, f)| (Arc::clone(name), f.empty_like())).collect(),
            rows: 0,
        }
    }

    /// Forgets every row, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.features.iter_mut().for_each(|(_, feature)| feature.clear());
        self.rows = 0;
    }

    /// Counts columns, which may come in any order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the column: for one that is missing, unknown, given twice, of
    /// the other kind or of another length. Nothing is counted then.
    pub fn observe_columns(&mut self, columns: &[(&str, Column<'_>)]) -> Result<()> {
        let rows = rows_of(columns)?;
        let mut order = Vec::with_capacity(columns.len());
        for (name, column) in columns {
            let Some(index) = self.index(name) else {
                return Err(Error::invalid("columns", format!("the reference has no `{name}`")));
            };
            if order.contains(&index) {
                return Err(Error::invalid("columns", format!("`{name}` is given twice")));
            }
            self.features[index].1.check_column(*column).map_err(about(name))?;
            order.push(index);
        }
        if let Some(index) = (0..self.features.len()).find(|index| !order.contains(index)) {
            return Err(Error::invalid(
                "columns",
                format!("`{}` is missing", self.features[index].0),
            ));
        }
        for (index, (name, column)) in order.into_iter().zip(columns) {
            self.features[index].1.observe_column(*column).map_err(about(name))?;
        }
        self.rows = self.rows.saturating_add(rows);
        Ok(())
    }

    /// Counts one row: a value for each feature, in the order of [`features`](Self::features).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the feature, for a value of the other kind; for fewer or more
    /// values than features. Nothing is counted then.
    pub fn observe_row(&mut self, values: &[Value<'_>]) -> Result<()> {
        self.check_row(values)?;
        for ((name, feature), value) in self.features.iter_mut().zip(values) {
            feature.observe(*value).map_err(about(name))?;
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// Whether this is a row of these features.
    pub(crate) fn check_row(&self, values: &[Value<'_>]) -> Result<()> {
        if values.len() != self.features.len() {
            let reason = format!("{} values for {} features", values.len(), self.features.len());
            return Err(Error::invalid("row", reason));
        }
        let mut pairs = self.features.iter().zip(values);
        pairs.try_for_each(|((name, feature), value)| {
            feature.check_value(*value).map_err(about(name))
        })
    }

    /// Adds the rows of another profile of the same reference.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] that says what differs: the origin, or a feature's name, kind, edges or
    /// categories. Nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check_same(other)?;
        for ((name, mine), (_, theirs)) in self.features.iter_mut().zip(&other.features) {
            mine.merge(theirs).map_err(about(name))?;
        }
        self.rows = self.rows.saturating_add(other.rows);
        Ok(())
    }

    pub(crate) fn check_same(&self, other: &Self) -> Result<()> {
        if self.origin != other.origin {
            let [mine, theirs] = [&self.origin, &other.origin]
                .map(|origin| format!("`{}` of {}", origin.source, origin.made_at));
            let reason = format!("the reference is {mine} in one and {theirs} in the other");
            return Err(Error::invalid("profile", reason));
        }
        let (mine, theirs) = (&self.features, &other.features);
        if let Some(((mine, _), (theirs, _))) =
            mine.iter().zip(theirs).find(|((mine, _), (theirs, _))| mine != theirs)
        {
            let reason = format!("feature `{mine}` in one is `{theirs}` in the other");
            return Err(Error::invalid("profile", reason));
        }
        if mine.len() != theirs.len() {
            let reason =
                format!("{} features in one and {} in the other", mine.len(), theirs.len());
            return Err(Error::invalid("profile", reason));
        }
        for ((name, mine), (_, theirs)) in mine.iter().zip(theirs) {
            mine.check_same(theirs).map_err(about(name))?;
        }
        Ok(())
    }

    /// The feature at this place, for whoever counts rows one feature at a time and then says how many
    /// there were ([`add_rows`](Self::add_rows)).
    pub(crate) fn feature_mut(&mut self, index: usize) -> &mut FeatureProfile {
        &mut self.features[index].1
    }

    /// Counts rows whose values were counted feature by feature.
    pub(crate) fn add_rows(&mut self, rows: u64) {
        self.rows = self.rows.saturating_add(rows);
    }

    /// What the reference was made of, and when.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Rows counted. A feature has as many; or fewer, where rows came without it, such as the outputs of
    /// a prediction that failed.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The features and their names, in the order of the columns that the reference was fitted to.
    pub fn features(&self) -> impl ExactSizeIterator<Item = (&str, &FeatureProfile)> {
        self.features.iter().map(|(name, feature)| (&**name, feature))
    }

    /// The feature of this name.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<&FeatureProfile> {
        self.index(name).map(|index| &self.features[index].1)
    }

    /// The place of the feature of this name among [`features`](Self::features).
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|(known, _)| **known == *name)
    }
}

/// How many rows all of these columns have.
fn rows_of(columns: &[(&str, Column<'_>)]) -> Result<u64> {
    let Some((first, column)) = columns.first() else {
        return Err(Error::invalid("columns", "there are none"));
    };
    let rows = column.rows();
    match columns.iter().find(|(_, column)| column.rows() != rows) {
        None => Ok(rows),
        Some((name, column)) => {
            let reason = format!("`{name}` has {} rows, where `{first}` has {rows}", column.rows());
            Err(Error::invalid("columns", reason))
        }
    }
}

/// Whether each feature has a name of its own.
pub(super) fn check_names(features: &[(Arc<str>, FeatureProfile)]) -> Result<()> {
    let mut names = BTreeSet::new();
    for (name, _) in features {
        if name.is_empty() {
            return Err(Error::invalid("columns", "one has no name"));
        }
        if !names.insert(name) {
            return Err(Error::invalid("columns", format!("`{name}` is given twice")));
        }
    }
    Ok(())
}

/// The same error, with the feature's name in front of its reason.
pub(super) fn about(name: &str) -> impl Fn(Error) -> Error {
    move |error| match error {
        Error::InvalidArgument { what, reason } => {
            Error::invalid(what, format!("feature `{name}`: {reason}"))
        }
        other => other,
    }
}

//! Which columns are compared, as what, and which cannot be.

use std::fmt;

use mlops_core::{Error, Result};
use polars::prelude::{DataType, PlSmallStr, Schema};

use super::FrameOptions;
use crate::compare::{Comparer, Comparison, FeatureKind};

/// Types between which a column may change without being another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Number,
    Text,
    Boolean,
    Date,
    Datetime,
    Duration,
    Time,
    /// Of a column that has nothing but nulls, and so could be anything.
    Null,
}

impl Family {
    /// `None` for types that are not compared: nested ones, bytes, foreign objects.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Date => Self::Date,
            DataType::Datetime(..) => Self::Datetime,
            DataType::Duration(_) => Self::Duration,
            DataType::Time => Self::Time,
            DataType::Null => Self::Null,
            numeric if numeric.is_numeric() => Self::Number,
            _ => return None,
        })
    }

    fn kind(self) -> FeatureKind {
        match self {
            Self::Text | Self::Boolean => FeatureKind::Categorical,
            _ => FeatureKind::Numeric,
        }
    }

    /// As what columns of this family can be read.
    fn can_be(self, kind: FeatureKind) -> bool {
        match kind {
            FeatureKind::Numeric => self != Self::Text,
            // Not times, of which hardly any two are the same.
            FeatureKind::Categorical => {
                matches!(self, Self::Text | Self::Boolean | Self::Number | Self::Null)
            }
        }
    }
}

/// What is to be done about each column.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// All that are to be compared, in the order of the reference.
    pub(super) names: Vec<PlSmallStr>,
    pub(super) numeric: Vec<PlSmallStr>,
    pub(super) categorical: Vec<PlSmallStr>,
    /// Those that cannot be, and why.
    pub(super) failed: Vec<(PlSmallStr, FeatureKind, String)>,
    /// Those that only the current data has.
    pub(super) unexpected: Vec<PlSmallStr>,
}

impl Columns {
    /// Of a data set alone.
    pub(super) fn of(schema: &Schema, options: &FrameOptions) -> Result<Self> {
        Self::of_both(schema, schema, options)
    }

    /// Of two data sets.
    pub(super) fn of_both(
        reference: &Schema,
        current: &Schema,
        options: &FrameOptions,
    ) -> Result<Self> {
        check(reference, current, options)?;
        let is_wanted = |name: &str| {
            (options.include.is_empty() || options.include.iter().any(|each| each == name))
                && !options.exclude.iter().any(|each| each == name)
        };
        let mut columns = Self::default();
        for (name, data_type) in reference.iter().filter(|(name, _)| is_wanted(name)) {
            columns.names.push(name.clone());
            match planned(name, data_type, current.get(name), options)? {
                Ok(FeatureKind::Numeric) => columns.numeric.push(name.clone()),
                Ok(FeatureKind::Categorical) => columns.categorical.push(name.clone()),
                Err((kind, reason)) => columns.failed.push((name.clone(), kind, reason)),
            }
        }
        let new = current.iter_names().filter(|name| is_wanted(name) && !reference.contains(name));
        columns.unexpected = new.cloned().collect();
        if columns.names.is_empty() {
            return Err(Error::invalid("columns", "the reference has none that are looked at"));
        }
        Ok(columns)
    }

    /// Of a data set and what is known of each feature of the reference.
    pub(super) fn of_features<'a>(
        features: impl Iterator<Item = (&'a str, FeatureKind)>,
        current: &Schema,
    ) -> Self {
        let mut columns = Self::default();
        for (name, kind) in features {
            let name = PlSmallStr::from(name);
            columns.names.push(name.clone());
            let failed = match current.get(&name) {
                None => Some(MISSING.to_owned()),
                Some(now) => {
                    let family = Family::of(now);
                    let fits = family.is_some_and(|family| family.can_be(kind));
                    let was = Word(kind);
                    (!fits).then(|| format!("{was} in the reference, {now} in the current data"))
                }
            };
            match (failed, kind) {
                (Some(reason), _) => columns.failed.push((name, kind, reason)),
                (None, FeatureKind::Numeric) => columns.numeric.push(name),
                (None, FeatureKind::Categorical) => columns.categorical.push(name),
            }
        }
        let new = current.iter_names().filter(|name| !columns.names.contains(name));
        columns.unexpected = new.cloned().collect();
        columns
    }
}

impl Columns {
    /// Tells what is known from the columns' types alone.
    pub(super) fn note(&self, comparer: &mut Comparer) {
        for (name, kind, reason) in &self.failed {
            comparer.failed(name, *kind, reason.as_str());
        }
        for name in &self.unexpected {
            comparer.unexpected(name.as_str());
        }
    }

    /// Decides, and puts the features into the order of the reference.
    pub(super) fn finish(&self, comparer: Comparer) -> Result<Comparison> {
        let mut comparison = comparer.finish()?;
        comparison.features.sort_by_cached_key(|feature| self.place(&feature.name));
        Ok(comparison)
    }

    /// Where in the order of the reference a column is.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|each| each == name)
    }
}

const MISSING: &str = "the current data does not have it";

/// As what a column is compared, or why it is not.
fn planned(
    name: &str,
    was: &DataType,
    now: Option<&DataType>,
    options: &FrameOptions,
) -> Result<Result<FeatureKind, (FeatureKind, String)>> {
    let has = |names: &[String]| names.iter().any(|each| each == name);
    let forced = match (has(&options.numeric), has(&options.categorical)) {
        (true, true) => {
            let reason = format!("`{name}` is among the categorical ones too");
            return Err(Error::invalid("numeric", reason));
        }
        (true, false) => Some(FeatureKind::Numeric),
        (false, true) => Some(FeatureKind::Categorical),
        (false, false) => None,
    };
    let unsupported = |data_type: &DataType| {
        let kind = forced.unwrap_or(FeatureKind::Categorical);
        Ok(Err((kind, format!("columns of type {data_type} are not compared"))))
    };
    let Some(family) = Family::of(was) else {
        return unsupported(was);
    };
    let Some(now) = now else {
        return Ok(Err((forced.unwrap_or(family.kind()), MISSING.to_owned())));
    };
    let Some(current) = Family::of(now) else {
        return unsupported(now);
    };
    // A column of nothing but nulls has the type of the other.
    let family = if family == Family::Null { current } else { family };
    let kind = forced.unwrap_or(family.kind());
    if family != current && current != Family::Null {
        return Ok(Err((kind, format!("{was} in the reference, {now} in the current data"))));
    }
    if !family.can_be(kind) {
        let what = match kind {
            FeatureKind::Numeric => "numeric",
            FeatureKind::Categorical => "categorical",
        };
        return Err(Error::invalid(what, format!("`{name}` is {was}")));
    }
    Ok(Ok(kind))
}

/// Whether each column that the options name is there.
fn check(reference: &Schema, current: &Schema, options: &FrameOptions) -> Result<()> {
    if options.max_categories == 0 {
        return Err(Error::invalid("max_categories", "0 is not at least 1"));
    }
    for (what, names) in [
        ("include", &options.include),
        ("exclude", &options.exclude),
        ("categorical", &options.categorical),
        ("numeric", &options.numeric),
    ] {
        let is_known = |name: &&String| reference.contains(name) || current.contains(name);
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            return Err(Error::invalid(what, format!("there is no column `{name}`")));
        }
    }
    Ok(())
}

/// What a feature of a profile is, in a word.
struct Word(FeatureKind);

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            FeatureKind::Numeric => "a number",
            FeatureKind::Categorical => "a category",
        })
    }
}

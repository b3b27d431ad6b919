//! [`profile`]: the reference profile of a data set.

use std::sync::Arc;

use mlops_core::{Error, Result};
use polars::prelude::LazyFrame;

use super::{
    FrameOptions,
    columns::Columns,
    fit::{fit_categories, fit_numbers},
    source::Source,
};
use crate::profile::{FeatureProfile, Origin, Profile};

/// The reference profile of a data set, which later ones are compared with and live data is counted into.
///
/// Columns become features as in [`compare`](super::compare()), beyond the limits too.
///
/// # Errors
/// [`Error::InvalidArgument`] for a frame without columns or rows, a column of a type that is not compared
/// (exclude it), and options out of their range; otherwise as [`compare`](super::compare()).
pub fn profile(frame: &LazyFrame, origin: Origin, options: &FrameOptions) -> Result<Profile> {
    let source = Source::open("frame", frame)?;
    let columns = Columns::of(&source.schema, options)?;
    if let Some((name, _, reason)) = columns.failed.first() {
        return Err(Error::invalid("columns", format!("`{name}`: {reason}")));
    }
    let numeric = fit_numbers(&source, &columns.numeric, options)?;
    let categorical = fit_categories(&source, &columns.categorical, options)?;
    let names = columns.numeric.iter().chain(&columns.categorical);
    let mut features: Vec<(Arc<str>, FeatureProfile)> = names
        .map(|name| Arc::from(name.as_str()))
        .zip(numeric.into_iter().chain(categorical))
        .collect();
    features.sort_by_cached_key(|(name, _)| columns.place(name));
    Profile::of_features(features, origin, source.rows)
}

//! [`compare`] and [`compare_to_profile`].

use mlops_core::{Result, progress::Progress};
use polars::prelude::{LazyFrame, PlSmallStr};

use super::{
    FrameOptions,
    columns::Columns,
    fit::{count, fit_counted, fit_numbers, observe, values},
    source::{Source, collected, streamed},
};
use crate::{
    compare::{CompareOptions, Comparer, Comparison, FeatureKind},
    profile::{FeatureProfile, Profile},
};

/// Compares two data sets: frames in memory, or scans of files.
///
/// Columns are read a few at a time, so memory does not grow with their number; it does with the number of
/// rows, up to [`FrameOptions::max_values`]. The frames are therefore run several times: they have to give
/// the same rows each time. The work is done on the calling thread, but for reading.
///
/// | type | compared as |
/// | --- | --- |
/// | integers, floats, decimals | numbers; those of few different values as [`Comparer::numbers`] does |
/// | dates | numbers: days since 1970-01-01 |
/// | points in time, durations, times of day | numbers: seconds |
/// | booleans | categories `true` and `false` |
/// | strings, categoricals, enums | categories |
/// | lists, structs and the like | not at all: an [`Error`](crate::compare::Verdict::Error), with the reason |
///
/// A column whose type changes within a line of the table has not changed (points in time and durations are
/// two lines); one that is nothing but nulls has any type. A column that changes otherwise, or that the
/// current data lacks, is an [`Error`](crate::compare::Verdict::Error) that names both types.
///
/// # Beyond the limits
/// With more than [`FrameOptions::max_values`] rows, numbers are counted, exactly, in bins at quantiles of a
/// sample of 2^17 rows of the reference, always the same: their evidence is
/// [`BinnedKs`](crate::compare::Method::BinnedKs). A column with more than [`FrameOptions::max_categories`],
/// or with texts of more than [256 bytes](crate::profile::Categories::MAX_NAME_BYTES), is compared by the
/// categories that the reference has most of, exactly counted, and all others as one; how many there are is an
/// estimate then.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for a frame without columns, options out of their
/// range or that name a column that neither frame has. [`NotFound`](mlops_core::Error::NotFound) for a file
/// that is not there. [`Backend`](mlops_core::Error::Backend) for whatever else polars says.
pub fn compare(
    reference: &LazyFrame,
    current: &LazyFrame,
    options: &FrameOptions,
    progress: &dyn Progress,
) -> Result<Comparison> {
    let reference = Source::open("reference", reference)?;
    let current = Source::open("current", current)?;
    let columns = Columns::of_both(&reference.schema, &current.schema, options)?;
    let mut comparer = Comparer::new(&options.compare, reference.rows, current.rows)?;
    progress.set_total(Some(columns.names.len() as u64));
    columns.note(&mut comparer);
    progress.advance(columns.failed.len() as u64);
    let sides = [&reference, &current];
    if reference.rows.max(current.rows) <= options.max_values {
        compare_values(sides, &columns.numeric, &mut comparer, progress)?;
    } else {
        for some in streamed(&columns.numeric) {
            let fitted = fit_numbers(&reference, some, options)?;
            compare_counted(&fitted, &current, some, &mut comparer, progress)?;
        }
    }
    for some in streamed(&columns.categorical) {
        compare_categories(sides, some, options, &mut comparer, progress)?;
    }
    progress.finish();
    columns.finish(comparer)
}

/// Compares a data set with a profile, such as the one that a model was packed with.
///
/// Only the current data is read, once, in batches.
///
/// # Errors
/// As [`compare`].
pub fn compare_to_profile(
    reference: &Profile,
    current: &LazyFrame,
    options: &CompareOptions,
    progress: &dyn Progress,
) -> Result<Comparison> {
    let current = Source::open("current", current)?;
    let features = reference.features().map(|(name, feature)| (name, FeatureKind::of(feature)));
    let columns = Columns::of_features(features, &current.schema);
    let mut comparer = Comparer::new(options, reference.rows(), current.rows)?;
    progress.set_total(Some(columns.names.len() as u64));
    columns.note(&mut comparer);
    progress.advance(columns.failed.len() as u64);
    for names in [&columns.numeric, &columns.categorical] {
        for some in streamed(names) {
            let fitted = some.iter().filter_map(|name| reference.feature(name)).cloned();
            let fitted: Vec<_> = fitted.collect();
            compare_counted(&fitted, &current, some, &mut comparer, progress)?;
        }
    }
    progress.finish();
    columns.finish(comparer)
}

fn compare_values(
    [reference, current]: [&Source; 2],
    columns: &[PlSmallStr],
    comparer: &mut Comparer,
    progress: &dyn Progress,
) -> Result<()> {
    for some in collected(columns, reference.rows + current.rows) {
        let frames = [reference.collect(some)?, current.collect(some)?];
        let pairs = frames[0].columns().iter().zip(frames[1].columns());
        for (name, (first, second)) in some.iter().zip(pairs) {
            comparer.numbers(name, &values(first)?, &values(second)?)?;
            progress.advance(1);
        }
    }
    Ok(())
}

fn compare_categories(
    [reference, current]: [&Source; 2],
    columns: &[PlSmallStr],
    options: &FrameOptions,
    comparer: &mut Comparer,
    progress: &dyn Progress,
) -> Result<()> {
    let max = options.max_categories;
    let counted = [count(reference, columns, max)?, count(current, columns, max)?];
    let [first, second] = counted;
    for ((first, second), name) in first.into_iter().zip(second).zip(columns) {
        if let (Some(first), Some(second)) = (first.exact(), second.exact()) {
            comparer.categories(name, &first, &second)?;
            progress.advance(1);
        } else {
            let (fitted, least) = fit_counted(reference, name, first, options)?;
            let mut counted = [fitted.empty_like()];
            observe(current, std::slice::from_ref(name), &mut counted)?;
            comparer.profiles_above(name, &fitted, &counted[0], least)?;
            progress.advance(1);
        }
    }
    Ok(())
}

/// Counts the current data in the cells of the reference.
fn compare_counted(
    reference: &[FeatureProfile],
    current: &Source,
    columns: &[PlSmallStr],
    comparer: &mut Comparer,
    progress: &dyn Progress,
) -> Result<()> {
    let mut counted: Vec<_> = reference.iter().map(FeatureProfile::empty_like).collect();
    observe(current, columns, &mut counted)?;
    for ((name, reference), current) in columns.iter().zip(reference).zip(&counted) {
        comparer.profiles(name, reference, current)?;
        progress.advance(1);
    }
    Ok(())
}

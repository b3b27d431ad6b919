//! Profiles of columns: fitted to a reference, and counted of other data.

use std::collections::HashMap;

use mlops_core::Result;
use polars::prelude::{Column, IdxCa, IdxSize, PlSmallStr};

use super::{
    FrameOptions,
    counter::Counter,
    error::polars,
    source::{Source, collected, streamed},
    values::{numbers, texts},
};
use crate::{
    compare::Numbers,
    profile::{CategoricalProfile, Categories, FeatureProfile},
};

/// Rows that edges are found from where there are too many to sort.
const SAMPLE_ROWS: u64 = 1 << 17;

/// The numbers of a column.
pub(super) fn values(column: &Column) -> Result<Numbers> {
    let mut values = Vec::with_capacity(column.len());
    let nulls = numbers(column, |slice| values.extend_from_slice(slice))?;
    Numbers::new(values, nulls)
}

/// The profile of each of these columns of numbers.
pub(super) fn fit_numbers(
    source: &Source,
    columns: &[PlSmallStr],
    options: &FrameOptions,
) -> Result<Vec<FeatureProfile>> {
    let bins = options.profile.bins;
    let mut profiles = Vec::with_capacity(columns.len());
    if source.rows <= options.max_values {
        for some in collected(columns, source.rows) {
            let frame = source.collect(some)?;
            for column in frame.columns() {
                profiles.push(FeatureProfile::Numeric(values(column)?.profile(bins)?));
            }
        }
        return Ok(profiles);
    }
    for some in streamed(columns) {
        let mut fitted = samples(source, some)?
            .into_iter()
            .map(|sample| {
                let profile = Numbers::new(sample, 0)?.profile(bins)?;
                Ok(FeatureProfile::Numeric(profile.empty_like()))
            })
            .collect::<Result<Vec<_>>>()?;
        observe(source, some, &mut fitted)?;
        profiles.extend(fitted);
    }
    Ok(profiles)
}

/// The values of columns in some of the rows, the same for the same data: one out of each run of equally many
/// rows, from a place in it that follows no period.
fn samples(source: &Source, columns: &[PlSmallStr]) -> Result<Vec<Vec<f64>>> {
    let step = (source.rows / SAMPLE_ROWS).max(1);
    let row_of = |run: u64| run * step + scattered(run) % step;
    let mut samples = vec![Vec::new(); columns.len()];
    let (mut start, mut run) = (0, 0);
    source.batches(columns, |batch| {
        let end = start + batch.height() as u64;
        let mut rows = Vec::new();
        while row_of(run) < end {
            rows.push((row_of(run) - start) as IdxSize);
            run += 1;
        }
        start = end;
        let taken = polars(|| batch.take(&IdxCa::from_vec("rows".into(), rows)))?;
        for (sample, column) in samples.iter_mut().zip(taken.columns()) {
            numbers(column, |slice| sample.extend_from_slice(slice))?;
        }
        Ok(())
    })?;
    Ok(samples)
}

/// A number that looks like chance: the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn scattered(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The categories of these columns, as far as there is room.
pub(super) fn count(source: &Source, columns: &[PlSmallStr], max: usize) -> Result<Vec<Counter>> {
    let mut counters: Vec<Counter> = columns.iter().map(|_| Counter::new(max)).collect();
    source.batches(columns, |batch| {
        for (counter, column) in counters.iter_mut().zip(batch.columns()) {
            let nulls = texts(column, |text| counter.add(text))?;
            counter.add_nulls(nulls);
        }
        Ok(())
    })?;
    Ok(counters)
}

/// The profile of each of these columns of categories.
pub(super) fn fit_categories(
    source: &Source,
    columns: &[PlSmallStr],
    options: &FrameOptions,
) -> Result<Vec<FeatureProfile>> {
    let mut profiles = Vec::with_capacity(columns.len());
    for some in streamed(columns) {
        for (counter, name) in count(source, some, options.max_categories)?.into_iter().zip(some) {
            profiles.push(fit_counted(source, name, counter, options)?.0);
        }
    }
    Ok(profiles)
}

/// The profile of a column of categories that were counted as far as there was room; and how many rows one that
/// is not kept can have, where that is less than what all that are kept have.
pub(super) fn fit_counted(
    source: &Source,
    name: &PlSmallStr,
    counter: Counter,
    options: &FrameOptions,
) -> Result<(FeatureProfile, Option<u64>)> {
    let max = options.profile.categories;
    if let Some(counts) = counter.exact() {
        let categories = Categories::most_frequent(counts.counts(), true, max)?;
        let mut profile = CategoricalProfile::empty(categories);
        profile.observe_counts(&counts);
        return Ok((FeatureProfile::Categorical(profile), None));
    }
    // All that have more rows than the cut are among the candidates, and no others are kept: so the most
    // frequent of them are the most frequent of all.
    let column = std::slice::from_ref(name);
    let (cut, mut counts) = (counter.cut(), counter.into_candidates());
    recount(source, column, &mut counts)?;
    let frequent = counts.iter().map(|(name, rows)| (&**name, *rows));
    let frequent: Vec<_> = frequent.filter(|(_, rows)| *rows > cut).collect();
    let least = (frequent.len() <= max).then_some(cut);
    let categories = Categories::most_frequent(frequent.into_iter(), false, max)?;
    let mut profile = FeatureProfile::Categorical(CategoricalProfile::empty(categories));
    observe(source, column, std::slice::from_mut(&mut profile))?;
    Ok((profile, least))
}

fn recount(
    source: &Source,
    column: &[PlSmallStr],
    counts: &mut HashMap<Box<str>, u64>,
) -> Result<()> {
    source.batches(column, |batch| {
        for column in batch.columns() {
            texts(column, |text| {
                if let Some(rows) = counts.get_mut(text) {
                    *rows += 1;
                }
            })?;
        }
        Ok(())
    })
}

/// Counts columns into a profile for each.
pub(super) fn observe(
    source: &Source,
    columns: &[PlSmallStr],
    profiles: &mut [FeatureProfile],
) -> Result<()> {
    let mut profiles = profiles.iter_mut();
    for some in streamed(columns) {
        let mut some_profiles: Vec<_> = profiles.by_ref().take(some.len()).collect();
        source.batches(some, |batch| {
            for (profile, column) in some_profiles.iter_mut().zip(batch.columns()) {
                match profile {
                    FeatureProfile::Numeric(profile) => {
                        let nulls = numbers(column, |slice| profile.observe_all(slice))?;
                        profile.observe_nulls(nulls);
                    }
                    FeatureProfile::Categorical(profile) => {
                        let nulls = texts(column, |text| profile.observe(text))?;
                        profile.observe_nulls(nulls);
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

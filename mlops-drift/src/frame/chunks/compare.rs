//! [`compare_chunks`].

use mlops_core::{Result, progress::Progress};
use polars::prelude::{Column, LazyFrame, PlSmallStr};

use super::{ChunkBy, ChunkDistance, ChunkedComparison, Series, found::Chunk, split::Split};
use crate::{
    compare::{BinnedNumbers, CategoryCounts, Comparer, FeatureKind, Numbers},
    frame::{
        FrameOptions,
        columns::Columns,
        counter::Counter,
        fit::values,
        source::{Source, collected},
        values::texts,
    },
    stats::{
        counts::{JensenShannonOptions, LogBase, jensen_shannon, largest_difference},
        ks, wasserstein,
    },
};

/// Compares each chunk of a data set with a whole reference, and with how far the reference's own chunks are from it.
///
/// Columns are what they are to [`frame::compare`](crate::frame::compare()), and are read whole, a few at a time.
/// [`FrameOptions::max_values`] is not heeded; a column of more than [`FrameOptions::max_categories`] categories is
/// not compared, and says so.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::Error::InvalidArgument) for chunks of no rows or more rows than there are, more than 4096
/// chunks, a column of periods that is not of dates or points in time; otherwise as
/// [`frame::compare`](crate::frame::compare()).
pub fn compare_chunks(
    reference: &LazyFrame,
    current: &LazyFrame,
    by: &ChunkBy,
    options: &FrameOptions,
    progress: &dyn Progress,
) -> Result<ChunkedComparison> {
    let reference = Source::open("reference", reference)?;
    let current = Source::open("current", current)?;
    let splits = [Split::new("reference", &reference, by)?, Split::new("current", &current, by)?];
    let mut options = options.clone();
    if let ChunkBy::Period { column, .. } = by {
        options.exclude.push(column.clone());
    }
    let columns = Columns::of_both(&reference.schema, &current.schema, &options)?;
    progress.set_total(Some(columns.names.len() as u64));
    let mut comparers = Vec::with_capacity(splits[1].chunks.len());
    for (_, rows) in &splits[1].chunks {
        let mut comparer = Comparer::new(&options.compare, reference.rows, *rows)?;
        columns.note(&mut comparer);
        comparers.push(comparer);
    }
    progress.advance(columns.failed.len() as u64);
    let mut chunked = Chunked { splits, comparers, series: Vec::new(), options: &options };
    let all = columns.numeric.iter().chain(&columns.categorical).cloned();
    let all: Vec<PlSmallStr> = all.collect();
    for some in collected(&all, reference.rows + current.rows) {
        let frames = [reference.collect(some)?, current.collect(some)?];
        let pairs = frames[0].columns().iter().zip(frames[1].columns());
        for (name, (reference, current)) in some.iter().zip(pairs) {
            if columns.numeric.contains(name) {
                chunked.numbers(name, reference, current)?;
            } else {
                chunked.categories(name, reference, current)?;
            }
            progress.advance(1);
        }
    }
    progress.finish();
    chunked.finish(&columns)
}

/// What is known so far.
struct Chunked<'a> {
    splits: [Split; 2],
    /// One for each chunk of the current data.
    comparers: Vec<Comparer>,
    series: Vec<Series>,
    options: &'a FrameOptions,
}

impl Chunked<'_> {
    fn numbers(&mut self, name: &str, reference: &Column, current: &Column) -> Result<()> {
        let whole = values(reference)?;
        let binned = BinnedNumbers::new(&whole)?;
        let mut distances = [Vec::new(), Vec::new()];
        for (side, column) in [reference, current].into_iter().enumerate() {
            for chunk in 0..self.splits[side].chunks.len() {
                let numbers = values(&self.splits[side].column(column, chunk)?)?;
                distances[side].push(of_numbers(&whole, &numbers)?);
                if side == 1 {
                    self.comparers[chunk].binned_numbers(name, &binned, &numbers)?;
                }
            }
        }
        self.add_series(name, FeatureKind::Numeric, &distances);
        Ok(())
    }

    fn categories(&mut self, name: &str, reference: &Column, current: &Column) -> Result<()> {
        let max = self.options.max_categories;
        let Some(whole) = counts(reference, max)? else {
            for comparer in &mut self.comparers {
                comparer.failed(name, FeatureKind::Categorical, too_many("the reference", max));
            }
            return Ok(());
        };
        let mut distances = [Vec::new(), Vec::new()];
        for (side, column) in [reference, current].into_iter().enumerate() {
            for chunk in 0..self.splits[side].chunks.len() {
                let counted = counts(&self.splits[side].column(column, chunk)?, max)?;
                let distance = counted.as_ref().map(|counted| of_categories(&whole, counted));
                distances[side].push(distance.transpose()?.flatten());
                if side == 0 {
                    continue;
                }
                let comparer = &mut self.comparers[chunk];
                match counted {
                    Some(counted) => comparer.categories(name, &whole, &counted)?,
                    None => {
                        comparer.failed(name, FeatureKind::Categorical, too_many("the chunk", max));
                    }
                }
            }
        }
        self.add_series(name, FeatureKind::Categorical, &distances);
        Ok(())
    }

    fn add_series(
        &mut self,
        name: &str,
        kind: FeatureKind,
        [reference, current]: &[Vec<Option<[f64; 2]>>; 2],
    ) {
        for (index, distance) in ChunkDistance::of(kind).into_iter().enumerate() {
            let of = |chunks: &[Option<[f64; 2]>]| -> Vec<Option<f64>> {
                chunks.iter().map(|chunk| chunk.map(|both| both[index])).collect()
            };
            self.series.push(Series::new(name, distance, of(reference), of(current)));
        }
    }

    fn finish(mut self, columns: &Columns) -> Result<ChunkedComparison> {
        let [reference, current] = self.splits;
        let mut chunks = Vec::with_capacity(self.comparers.len());
        for (comparer, (name, rows)) in self.comparers.into_iter().zip(current.chunks) {
            chunks.push(Chunk { name, rows, comparison: columns.finish(comparer)? });
        }
        self.series.sort_by_cached_key(|series| columns.place(&series.feature));
        Ok(ChunkedComparison {
            reference: reference.chunks.into_iter().map(|(name, _)| name).collect(),
            chunks,
            series: self.series,
            left_out: [reference.left_out, current.left_out],
        })
    }
}

/// The Kolmogorov–Smirnov statistic and the Wasserstein distance, if both have finite values.
fn of_numbers(reference: &Numbers, chunk: &Numbers) -> Result<Option<[f64; 2]>> {
    let Some((first, second)) = reference.sample().zip(chunk.sample()) else { return Ok(None) };
    let options = ks::KsOptions::default().with_method(ks::KsMethod::Asymptotic);
    let statistic = ks::test(first, second, options)?.statistic;
    Ok(Some([statistic, wasserstein::distance(first, second)]))
}

/// The Jensen–Shannon distance in base 2 and the largest difference of a share, if both have values.
fn of_categories(reference: &CategoryCounts, chunk: &CategoryCounts) -> Result<Option<[f64; 2]>> {
    let cells = reference.joined(chunk);
    let side = |side: usize| -> Vec<u64> { cells.iter().map(|(_, rows)| rows[side]).collect() };
    let (x, y) = (side(0), side(1));
    if [&x, &y].iter().any(|counts| counts.iter().all(|count| *count == 0)) {
        return Ok(None);
    }
    let options = JensenShannonOptions::default().with_base(LogBase::Two);
    Ok(Some([jensen_shannon(&x, &y, &options)?, largest_difference(&x, &y)?]))
}

/// The rows of each category, if there are not too many.
fn counts(column: &Column, max: usize) -> Result<Option<CategoryCounts>> {
    let mut counter = Counter::new(max);
    let nulls = texts(column, |text| counter.add(text))?;
    counter.add_nulls(nulls);
    Ok(counter.exact())
}

fn too_many(what: &str, max: usize) -> String {
    format!("{what} has more than {max} categories, or texts too long to be one")
}

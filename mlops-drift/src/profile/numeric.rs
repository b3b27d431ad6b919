//! [`NumericProfile`]: a number, counted between quantiles of its reference.

use std::sync::Arc;

use mlops_core::{Error, Result};

use super::Edges;
use crate::stats::{sorted, sum};

/// Numbers up to here add up without overflow: there are no more than 2^53 of them.
const PLAIN: f64 = 1e290;

/// What is kept of a numeric feature.
///
/// Finite values are counted in the bins of [`Edges`]; nulls, NaN and infinities each have a counter of
/// their own and enter nothing else. Beside its count a bin keeps the sum of its values' distances from
/// its [anchor](Edges::anchor), and the profile the squared distances from the reference's mean, the
/// least and the greatest value.
///
/// Merging is addition. Counts, minimum and maximum are exact in whatever order and grouping; sums of
/// floating-point numbers depend on it in their last digits, by a relative error of about `n · 10⁻¹⁶` at
/// worst. Sums are of distances rather than of values, so that this error is small beside the spread of
/// the reference however far from 0 it lies. A sum beyond the largest finite number stays there.
#[derive(Debug, Clone, PartialEq)]
pub struct NumericProfile {
    pub(super) edges: Arc<Edges>,
    /// The reference's mean: what `squares` are measured from.
    pub(super) shift: f64,
    pub(super) counts: Box<[u64]>,
    pub(super) offsets: Box<[f64]>,
    pub(super) squares: f64,
    /// Infinity, if there is no value.
    pub(super) min: f64,
    /// Minus infinity, if there is no value.
    pub(super) max: f64,
    pub(super) nulls: u64,
    pub(super) nan: u64,
    pub(super) positive_infinity: u64,
    pub(super) negative_infinity: u64,
}

impl NumericProfile {
    /// The profile of a reference: its values and how many of its rows are null, in at most `bins` bins.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no bins, or [`Edges::MAX`] and more.
    pub fn fit(values: &[f64], nulls: u64, bins: usize) -> Result<Self> {
        let sorted = sorted(values.iter().copied().filter(|value| value.is_finite()).collect());
        let mut profile = Self::of_sorted(Edges::fit_sorted(&sorted, bins)?, &sorted);
        if sorted.len() < values.len() {
            let not_finite = values.iter().filter(|value| !value.is_finite());
            not_finite.for_each(|value| profile.observe(*value));
        }
        profile.observe_nulls(nulls);
        Ok(profile)
    }

    /// The profile of a reference: its finite values in order, in bins that they were found to have.
    pub(crate) fn of_sorted(edges: Edges, sorted: &[f64]) -> Self {
        let mut profile = Self::empty(Arc::new(edges), mean(sorted));
        profile.observe_sorted(sorted);
        profile
    }

    /// No values yet, with these edges and this mean of the reference.
    pub(super) fn empty(edges: Arc<Edges>, shift: f64) -> Self {
        Self {
            counts: vec![0; edges.bins()].into(),
            offsets: vec![0.0; edges.bins()].into(),
            edges,
            shift,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            nulls: 0,
            nan: 0,
            positive_infinity: 0,
            negative_infinity: 0,
        }
    }

    /// The profile of no rows, with the same edges.
    #[must_use]
    pub fn empty_like(&self) -> Self {
        Self::empty(Arc::clone(&self.edges), self.shift)
    }

    /// Forgets every row, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.offsets.fill(0.0);
        self.squares = 0.0;
        (self.min, self.max) = (f64::INFINITY, f64::NEG_INFINITY);
        (self.nulls, self.nan) = (0, 0);
        (self.positive_infinity, self.negative_infinity) = (0, 0);
    }

    /// Counts a value.
    pub fn observe(&mut self, value: f64) {
        self.observe_each([value]);
    }

    /// Counts values.
    pub fn observe_all(&mut self, values: &[f64]) {
        self.observe_each(values.iter().copied());
    }

    /// Counts values.
    #[inline]
    pub(crate) fn observe_each(&mut self, values: impl IntoIterator<Item = f64>) {
        let mut values = values.into_iter();
        while let Some(value) = self.observe_plain(&mut values) {
            self.observe_odd(value);
        }
    }

    /// Counts values up to the first that is not plain, and returns that: what does not fit the sums by far
    /// needs no look at each of them, and those over all values stay in registers.
    #[inline]
    fn observe_plain(&mut self, values: &mut impl Iterator<Item = f64>) -> Option<f64> {
        let edges = &*self.edges;
        // As many as there are bins, said once, so that no value is checked against it.
        let counts = &mut self.counts[..edges.bins()];
        let offsets = &mut self.offsets[..edges.bins()];
        let ends = [edges.as_slice().first(), edges.as_slice().last()];
        let are_plain = ends.into_iter().flatten().all(|edge| edge.abs() <= PLAIN);
        // Nothing is plain between edges that are not.
        let plain = if are_plain { PLAIN } else { -1.0 };
        let (mut squares, mut min, mut max) = (self.squares, self.min, self.max);
        // Not `find`: the loop must be this one for the sums to stay in registers.
        let odd = loop {
            match values.next() {
                Some(value) if value.abs() <= plain => {
                    let bin = edges.bin(value);
                    counts[bin] = counts[bin].saturating_add(1);
                    offsets[bin] += value - edges.anchor(bin);
                    let distance = value - self.shift;
                    squares += distance * distance;
                    min = min.min(value);
                    max = max.max(value);
                }
                odd => break odd,
            }
        };
        (self.squares, self.min, self.max) = (finite(squares), min, max);
        odd
    }

    /// Counts any value, however large, or none.
    #[cold]
    fn observe_odd(&mut self, value: f64) {
        if value.is_finite() {
            let bin = self.edges.bin(value);
            let offset = &mut self.offsets[bin];
            self.counts[bin] = self.counts[bin].saturating_add(1);
            *offset = finite(*offset + finite(value - self.edges.anchor(bin)));
            let distance = value - self.shift;
            self.squares = finite(self.squares + distance * distance);
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        } else if value.is_nan() {
            self.nan = self.nan.saturating_add(1);
        } else if value > 0.0 {
            self.positive_infinity = self.positive_infinity.saturating_add(1);
        } else {
            self.negative_infinity = self.negative_infinity.saturating_add(1);
        }
    }

    /// Counts finite values that are in order: bin by bin rather than one by one.
    pub(crate) fn observe_sorted(&mut self, sorted: &[f64]) {
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
            return;
        };
        let mut rest = sorted;
        for bin in 0..self.counts.len() {
            let edge = self.edges.as_slice().get(bin);
            let end = edge.map_or(rest.len(), |edge| rest.partition_point(|value| value < edge));
            let (values, others) = rest.split_at(end);
            rest = others;
            if values.is_empty() {
                continue;
            }
            self.counts[bin] = self.counts[bin].saturating_add(values.len() as u64);
            let anchor = self.edges.anchor(bin);
            let mut offsets = sum(values, |value| finite(value - anchor));
            if !offsets.is_finite() {
                // A part of the sum was beyond the largest number, which the whole need not be.
                let count = values.len() as f64;
                offsets = finite(count * sum(values, |value| finite(value - anchor) / count));
            }
            self.offsets[bin] = finite(self.offsets[bin] + offsets);
            let shift = self.shift;
            let squares = sum(values, |value| {
                let distance = value - shift;
                distance * distance
            });
            self.squares = finite(self.squares + squares);
        }
        self.min = self.min.min(*first);
        self.max = self.max.max(*last);
    }

    /// Counts values that are not finite.
    pub(crate) fn observe_not_finite(&mut self, nan: u64, positive: u64, negative: u64) {
        self.nan = self.nan.saturating_add(nan);
        self.positive_infinity = self.positive_infinity.saturating_add(positive);
        self.negative_infinity = self.negative_infinity.saturating_add(negative);
    }

    /// Counts rows that have no value.
    pub fn observe_nulls(&mut self, rows: u64) {
        self.nulls = self.nulls.saturating_add(rows);
    }

    /// Adds the rows of another profile with the same edges.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if edges or the reference's mean differ; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check_same(other)?;
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        for (mine, theirs) in self.offsets.iter_mut().zip(&other.offsets) {
            *mine = finite(*mine + theirs);
        }
        self.squares = finite(self.squares + other.squares);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (mine, theirs) in [
            (&mut self.nulls, other.nulls),
            (&mut self.nan, other.nan),
            (&mut self.positive_infinity, other.positive_infinity),
            (&mut self.negative_infinity, other.negative_infinity),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        Ok(())
    }

    /// Whether the other is counted in the same bins.
    pub(super) fn check_same(&self, other: &Self) -> Result<()> {
        if !Arc::ptr_eq(&self.edges, &other.edges) && self.edges != other.edges {
            let (mine, theirs) = (self.edges.as_slice(), other.edges.as_slice());
            let reason = match mine.iter().zip(theirs).position(|(mine, theirs)| mine != theirs) {
                Some(index) => {
                    format!(
                        "edge {index} is {} in one and {} in the other",
                        mine[index], theirs[index]
                    )
                }
                None => format!("{} edges in one and {} in the other", mine.len(), theirs.len()),
            };
            return Err(Error::invalid("profile", reason));
        }
        if self.shift != other.shift {
            let reason = format!(
                "the reference's mean is {} in one and {} in the other",
                self.shift, other.shift
            );
            return Err(Error::invalid("profile", reason));
        }
        Ok(())
    }

    /// Where the bins end.
    #[must_use]
    pub fn edges(&self) -> &Edges {
        &self.edges
    }

    /// Values in each bin: the first is below the reference's range, the last above it.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// For each bin, the sum of how far its values are from its [anchor](Edges::anchor).
    #[must_use]
    pub fn offsets(&self) -> &[f64] {
        &self.offsets
    }

    /// Rows, whatever is in them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let apart = [self.nulls, self.nan, self.positive_infinity, self.negative_infinity];
        apart.iter().fold(self.finite(), |sum, count| sum.saturating_add(*count))
    }

    /// Finite values.
    #[must_use]
    pub fn finite(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Rows without a value.
    #[must_use]
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Values that are not a number.
    #[must_use]
    pub fn nan(&self) -> u64 {
        self.nan
    }

    /// Values that are `+∞`.
    #[must_use]
    pub fn positive_infinity(&self) -> u64 {
        self.positive_infinity
    }

    /// Values that are `-∞`.
    #[must_use]
    pub fn negative_infinity(&self) -> u64 {
        self.negative_infinity
    }

    /// Values that are NaN or infinite.
    #[must_use]
    pub fn not_finite(&self) -> u64 {
        let infinite = self.positive_infinity.saturating_add(self.negative_infinity);
        self.nan.saturating_add(infinite)
    }

    /// Finite values under the least of the reference; all of them, if the reference has none.
    #[must_use]
    pub fn below(&self) -> u64 {
        self.counts[0]
    }

    /// Finite values over the greatest of the reference.
    #[must_use]
    pub fn above(&self) -> u64 {
        self.counts[1..].last().copied().unwrap_or(0)
    }

    /// The least finite value.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.min.is_finite().then_some(self.min)
    }

    /// The greatest finite value.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.max.is_finite().then_some(self.max)
    }

    /// The mean of the finite values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.finite();
        (count > 0).then(|| finite(self.shift + self.mean_distance(count)))
    }

    /// The variance of the finite values, `Σ (x - mean)² / (n - 1)`; `None` with fewer than two.
    ///
    /// It is computed from squares around the reference's mean: where the mean has moved by `k`
    /// standard deviations, its relative error grows to about `k² · 10⁻¹⁶`.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let count = self.finite();
        (count > 1).then(|| {
            let distance = self.mean_distance(count);
            // The mean square first: a square times the count could be beyond the largest number.
            let mean_square = self.squares / count as f64 - finite(distance * distance);
            finite(mean_square.max(0.0) * (count as f64 / (count - 1) as f64))
        })
    }

    /// How far the mean of `count` values is from the reference's.
    fn mean_distance(&self, count: u64) -> f64 {
        let bins = self.counts.iter().zip(&self.offsets).enumerate();
        bins.fold(0.0, |sum, (bin, (rows, offset))| {
            let anchor = finite(self.edges.anchor(bin) - self.shift);
            finite(sum + anchor * (*rows as f64 / count as f64) + offset / count as f64)
        })
    }
}

/// The mean of finite values; 0 of none. Added up as shares, so that the sum cannot overflow.
fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    // Rounding may take the shares of the largest number beyond it.
    let first = finite(sum(values, |value| value / count));
    // Once more around it takes off the rounding of a mean that is far from 0.
    let rest = finite(sum(values, |value| finite(value - first) / count));
    if values.is_empty() { 0.0 } else { finite(first + rest) }
}

/// The number, or the largest finite one of its sign.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

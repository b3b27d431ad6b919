//! [`Slicer`]: which segments rows are divided into.

use std::sync::Arc;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Segment, SegmentPart, Segmenter, SlicedLosses};
use crate::profile::{Profile, Value};

/// The segments that rows are divided into: parts of each feature of a reference profile, ranges of a number
/// between quantiles or categories, and parts of two features together.
///
/// Segments are decided once, so that their number does not grow with what it is shown: new categories are one
/// segment, and so is what lies outside the reference's range on either side.
///
/// ```
/// use mlops_core::timestamp::Timestamp;
/// use mlops_drift::{
///     performance::{SliceOptions, SliceTestOptions, Slicer},
///     profile::{Column, Origin, Profile, ProfileOptions, Value},
/// };
///
/// # fn main() -> mlops_core::Result<()> {
/// let plans: Vec<&str> = (0..400).map(|row| ["free", "pro"][row % 2]).collect();
/// let columns = [("plan", Column::categorical(&plans))];
/// let origin = Origin::new("customers 2026-10", Timestamp::EPOCH);
/// let profile = Profile::fit(&columns, origin, &ProfileOptions::default())?;
///
/// let slicer = Slicer::new(&profile, &SliceOptions::default())?;
/// let (mut october, mut november) = (slicer.losses(), slicer.losses());
/// for (row, plan) in plans.iter().enumerate() {
///     // One of ten predictions was wrong; now it is half of those for the plan `pro`.
///     october.observe(&[Value::Category(plan)], f64::from(row % 20 < 2))?;
///     november.observe(&[Value::Category(plan)], f64::from(row % 20 < 2 || row % 4 == 1))?;
/// }
/// let report = november.compare(&october, &SliceTestOptions::default())?;
/// assert_eq!(report.segments[0].segment.to_string(), "plan `pro`");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Slicer {
    /// In the order of the profile's.
    features: Vec<(String, Segmenter)>,
    /// Places of two features.
    pairs: Vec<(usize, usize)>,
    pairs_left_out: u64,
}

/// As it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    features: Vec<(String, Segmenter)>,
    pairs: Vec<(usize, usize)>,
    pairs_left_out: u64,
}

/// How finely rows are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SliceOptions {
    /// Ranges or categories of a feature, from 2 to 64; beside them there are segments for null, for new
    /// categories or values out of range, and for what is not finite.
    pub parts: usize,
    /// Pairs of features, at most 4096: the first of them, in the order of the features. Each takes about 3 KB
    /// at eight parts and 100 KB at 64, and time for each row.
    pub pairs: usize,
}

impl Default for SliceOptions {
    /// Eight parts and 64 pairs.
    fn default() -> Self {
        Self { parts: 8, pairs: 64 }
    }
}

impl SliceOptions {
    /// Sets [`parts`](Self::parts).
    #[must_use]
    pub fn with_parts(mut self, parts: usize) -> Self {
        self.parts = parts;
        self
    }

    /// Sets [`pairs`](Self::pairs).
    #[must_use]
    pub fn with_pairs(mut self, pairs: usize) -> Self {
        self.pairs = pairs;
        self
    }
}

/// Ranges or categories of a feature, beside at most four parts for the rest.
const MAX_PARTS: usize = 64;
const MAX_PAIRS: usize = 4096;

impl Slicer {
    /// How many features a profile may have.
    pub const MAX_FEATURES: usize = 4096;

    /// The segments of a reference.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for options out of their range, and more features than
    /// [`MAX_FEATURES`](Self::MAX_FEATURES).
    pub fn new(reference: &Profile, options: &SliceOptions) -> Result<Self> {
        let SliceOptions { parts, pairs } = *options;
        if !(2..=MAX_PARTS).contains(&parts) {
            let reason = format!("{parts} is not from 2 to {MAX_PARTS}");
            return Err(Error::invalid("parts of a feature", reason));
        }
        let features = reference.features();
        let count = features.len();
        check_counts(count, pairs)?;
        let features = features
            .map(|(name, profile)| Ok((name.to_owned(), Segmenter::coarse(profile, parts)?)));
        let all_pairs =
            (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second)));
        let kept: Vec<_> = all_pairs.take(pairs).collect();
        Ok(Self {
            features: features.collect::<Result<_>>()?,
            pairs_left_out: (count * (count - 1) / 2 - kept.len()) as u64,
            pairs: kept,
        })
    }

    /// Losses of no rows.
    #[must_use]
    pub fn losses(&self) -> SlicedLosses {
        SlicedLosses::new(Arc::new(self.clone()))
    }

    /// Pairs of features that are not looked at.
    #[must_use]
    pub fn pairs_left_out(&self) -> u64 {
        self.pairs_left_out
    }

    /// How many segments there are of single features and of pairs.
    pub(super) fn segments(&self) -> usize {
        self.divisions().map(|division| self.parts(division).iter().product::<usize>()).sum()
    }

    /// The places of the features by which all rows are divided: of each, and of each pair.
    pub(super) fn divisions(&self) -> impl Iterator<Item = (usize, Option<usize>)> {
        let single = (0..self.features.len()).map(|feature| (feature, None));
        single.chain(self.pairs.iter().map(|(first, second)| (*first, Some(*second))))
    }

    /// How many parts each of a division's features has.
    pub(super) fn parts(&self, (first, second): (usize, Option<usize>)) -> [usize; 2] {
        let parts = |feature: usize| self.features[feature].1.parts();
        [parts(first), second.map_or(1, parts)]
    }

    /// The names of a division's features.
    pub(super) fn names(&self, (first, second): (usize, Option<usize>)) -> Vec<String> {
        let places = std::iter::once(first).chain(second);
        places.map(|feature| self.features[feature].0.clone()).collect()
    }

    /// A segment of a division.
    pub(super) fn segment(&self, (first, second): (usize, Option<usize>), cell: usize) -> Segment {
        let [_, parts] = self.parts((first, second));
        let part = |feature: usize, cell: usize| {
            let (name, segmenter) = &self.features[feature];
            SegmentPart { feature: name.clone(), part: segmenter.part(cell) }
        };
        let second = second.map(|feature| part(feature, cell % parts));
        Segment(std::iter::once(part(first, cell / parts)).chain(second).collect())
    }

    /// The part of each feature that a row is in.
    pub(super) fn cells(&self, row: &[Value<'_>]) -> Result<Vec<usize>> {
        if row.len() != self.features.len() {
            let reason = format!("{} values for {} features", row.len(), self.features.len());
            return Err(Error::invalid("row", reason));
        }
        let features = self.features.iter().zip(row);
        features.map(|((name, segmenter), value)| segmenter.cell(name, *value)).collect()
    }
}

impl TryFrom<Stored> for Slicer {
    type Error = Error;

    fn try_from(Stored { features, pairs, pairs_left_out }: Stored) -> Result<Self> {
        check_counts(features.len(), pairs.len())?;
        if let Some((name, _)) = features.iter().find(|(_, of)| of.parts() > MAX_PARTS + 4) {
            return Err(Error::invalid("parts of a feature", format!("`{name}` has too many")));
        }
        let is_known = |(first, second): &(usize, usize)| first.max(second) < &features.len();
        if !pairs.iter().all(is_known) {
            return Err(Error::invalid(
                "pairs of features",
                "one is of a feature that is not there",
            ));
        }
        Ok(Self { features, pairs, pairs_left_out })
    }
}

fn check_counts(features: usize, pairs: usize) -> Result<()> {
    if features > Slicer::MAX_FEATURES {
        let reason = format!("{features} are more than {}", Slicer::MAX_FEATURES);
        return Err(Error::invalid("features", reason));
    }
    if pairs > MAX_PAIRS {
        let reason = format!("{pairs} are more than {MAX_PAIRS}");
        return Err(Error::invalid("pairs of features", reason));
    }
    Ok(())
}

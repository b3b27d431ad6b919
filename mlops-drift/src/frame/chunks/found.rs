//! [`ChunkedComparison`]: what was found.

use serde::{Deserialize, Serialize};

use crate::compare::{Comparison, FeatureKind};

/// A data set in chunks, compared with a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChunkedComparison {
    /// The chunks of the reference, by name.
    pub reference: Vec<String>,
    /// Each chunk of the current data.
    pub chunks: Vec<Chunk>,
    /// The distances of each feature, two series for each.
    pub series: Vec<Series>,
    /// Rows of the reference and of the current data that are in no chunk, because they have no time.
    pub left_out: [u64; 2],
}

/// A chunk of the current data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chunk {
    /// Its first and last row, such as `[0:499]`, or its [`Period`](super::Period).
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// What has changed since the whole reference. The correction for many tests is of this chunk's alone.
    pub comparison: Comparison,
}

/// How far chunks are from the whole reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Series {
    /// The feature.
    pub feature: String,
    /// What is measured.
    pub distance: ChunkDistance,
    /// Of each chunk of the reference; `None` where it has no values.
    pub reference: Vec<Option<f64>>,
    /// Of each chunk of the current data; `None` where it has no values.
    pub current: Vec<Option<f64>>,
    /// Above it, a chunk is further off than the reference's own are: their mean and three times their standard
    /// deviation (whose divisor is their number), but no more than the largest distance there is. `None` if fewer than two have one.
    pub threshold: Option<f64>,
}

/// What a [`Series`] measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChunkDistance {
    /// The Kolmogorov–Smirnov statistic of numbers.
    KolmogorovSmirnov,
    /// The Wasserstein distance of numbers, in their own unit.
    Wasserstein,
    /// The Jensen–Shannon distance of categories, in the root of bits.
    JensenShannon,
    /// The largest difference of a category's share.
    LInfinity,
}

impl ChunkDistance {
    pub(super) fn of(kind: FeatureKind) -> [Self; 2] {
        match kind {
            FeatureKind::Numeric => [Self::KolmogorovSmirnov, Self::Wasserstein],
            FeatureKind::Categorical => [Self::JensenShannon, Self::LInfinity],
        }
    }

    /// The largest that there is.
    fn limit(self) -> f64 {
        match self {
            Self::Wasserstein => f64::INFINITY,
            _ => 1.0,
        }
    }
}

impl Series {
    pub(super) fn new(
        feature: &str,
        distance: ChunkDistance,
        reference: Vec<Option<f64>>,
        current: Vec<Option<f64>>,
    ) -> Self {
        let threshold = threshold(&reference).map(|threshold| threshold.min(distance.limit()));
        Self { feature: feature.to_owned(), distance, reference, current, threshold }
    }

    /// Whether a chunk of the current data is further off than the reference's own are.
    #[must_use]
    pub fn exceeds(&self, chunk: usize) -> bool {
        let distance = self.current.get(chunk).copied().flatten();
        distance.zip(self.threshold).is_some_and(|(distance, threshold)| distance > threshold)
    }
}

/// The mean and three standard deviations, if that is a number.
fn threshold(distances: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = distances.iter().copied().flatten().collect();
    if known.len() < 2 {
        return None;
    }
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / known.len() as f64;
    let average = mean(&mut known.iter().copied());
    let variance = mean(&mut known.iter().map(|value| (value - average).powi(2)));
    let threshold = average + 3.0 * variance.sqrt();
    threshold.is_finite().then_some(threshold)
}

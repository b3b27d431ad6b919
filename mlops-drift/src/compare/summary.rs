//! [`FeatureSummary`] and [`Distances`]: figures beside those that decide.

use mlops_core::Result;
use serde::{Deserialize, Serialize};

use crate::{
    profile::FeatureProfile,
    stats::counts::{
        BinSums, JensenShannonOptions, PsiOptions, SparseCells, jensen_shannon, psi,
        wasserstein_bins,
    },
};

/// Groups that numbers are counted in for distances of shares, as is customary for the stability index.
const GROUPS: u64 = 10;

/// What a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeatureKind {
    /// A number.
    Numeric,
    /// A category.
    Categorical,
}

/// One side of a comparison, in a few figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FeatureSummary {
    /// Rows, null or not.
    pub rows: u64,
    /// Rows that are null.
    pub nulls: u64,
    /// Values that are NaN or infinite.
    pub not_finite: u64,
    /// Values that the reference does not have: beyond its range, or of a category it never had.
    pub unseen: u64,
    /// The mean of finite values.
    pub mean: Option<f64>,
    /// The standard deviation of finite values.
    pub standard_deviation: Option<f64>,
    /// The least, the quartiles and the greatest of finite values.
    pub quartiles: Option<[f64; 5]>,
    /// About how many categories there are.
    pub distinct: Option<f64>,
}

/// How far apart the two sides are, in measures that are in use. `None` where one is not defined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Distances {
    /// The population stability index: of numbers in ten groups of the reference.
    pub psi: Option<f64>,
    /// The Jensen–Shannon distance in nats, less what chance adds; of numbers in the same groups.
    pub jensen_shannon: Option<f64>,
    /// The Wasserstein distance of numbers, in standard deviations of the reference.
    pub wasserstein: Option<f64>,
}

impl FeatureKind {
    pub(crate) fn of(profile: &FeatureProfile) -> Self {
        match profile {
            FeatureProfile::Numeric(_) => Self::Numeric,
            FeatureProfile::Categorical(_) => Self::Categorical,
        }
    }
}

impl FeatureSummary {
    pub(super) fn of(profile: &FeatureProfile) -> Self {
        let mut summary = Self { rows: profile.rows(), nulls: profile.nulls(), ..Self::default() };
        match profile {
            FeatureProfile::Numeric(numbers) => {
                summary.not_finite = numbers.not_finite();
                summary.unseen = numbers.below() + numbers.above();
                summary.mean = numbers.mean();
                summary.standard_deviation = numbers.variance().map(f64::sqrt);
                let five = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| numbers.quantile(p));
                summary.quartiles =
                    five[0].map(|_| five.map(|quantile| quantile.unwrap_or_default()));
            }
            FeatureProfile::Categorical(categories) => {
                summary.unseen = categories.unseen();
                summary.distinct = Some(categories.distinct());
            }
        }
        summary
    }
}

impl Distances {
    /// Of two profiles that are counted in the same cells.
    pub(super) fn of(reference: &FeatureProfile, current: &FeatureProfile) -> Result<Self> {
        let is_empty = |profile: &FeatureProfile| profile.counts().iter().all(|count| *count == 0);
        if is_empty(reference) || is_empty(current) {
            return Ok(Self::default());
        }
        let sparse = reference.sparse_cells();
        let (mut x, mut y) = (reference.counts().to_vec(), current.counts().to_vec());
        let mut wasserstein = None;
        if let (FeatureProfile::Numeric(reference), FeatureProfile::Numeric(current)) =
            (reference, current)
        {
            (x, y) = grouped(&x, &y);
            let [first, second] = [reference, current]
                .map(|side| BinSums { counts: side.counts(), offsets: side.offsets() });
            let distance = wasserstein_bins(reference.edges().as_slice(), first, second)?;
            wasserstein = normed(distance, reference.variance().map(f64::sqrt));
        }
        Ok(Self { wasserstein, ..Self::of_counts(&x, &y, sparse)? })
    }

    /// Of categories, with the rows that both sides have of each.
    pub(super) fn of_categories(cells: &[(&str, [u64; 2])]) -> Result<Self> {
        let [x, y] =
            [0, 1].map(|side| -> Vec<u64> { cells.iter().map(|(_, rows)| rows[side]).collect() });
        if [&x, &y].iter().any(|side| side.iter().all(|rows| *rows == 0)) {
            return Ok(Self::default());
        }
        Self::of_counts(&x, &y, SparseCells::JoinCategories)
    }

    fn of_counts(x: &[u64], y: &[u64], sparse: SparseCells) -> Result<Self> {
        let psi = psi(x, y, &PsiOptions::default().with_sparse_cells(sparse))?;
        let options = JensenShannonOptions::default().with_bias_correction(sparse);
        Ok(Self {
            psi: Some(psi.value),
            jensen_shannon: Some(jensen_shannon(x, y, &options)?),
            wasserstein: None,
        })
    }
}

/// A distance in standard deviations, if there are any.
pub(super) fn normed(distance: f64, deviation: Option<f64>) -> Option<f64> {
    let normed = distance / deviation?;
    normed.is_finite().then_some(normed)
}

/// Neighbouring cells in about [`GROUPS`] groups of equally many rows of the reference.
fn grouped(reference: &[u64], current: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let total: u64 = reference.iter().sum();
    let share = total.div_ceil(GROUPS);
    let (mut x, mut y) = (vec![0], vec![0]);
    let mut group = 0;
    for (rows, now) in reference.iter().zip(current) {
        // A group that is full is left before the next rows of the reference come.
        if x[group] >= share && *rows > 0 {
            x.push(0);
            y.push(0);
            group += 1;
        }
        x[group] += rows;
        y[group] += now;
    }
    (x, y)
}

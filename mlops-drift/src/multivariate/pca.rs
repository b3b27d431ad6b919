//! Reconstruction by principal components: do columns still hang together as they did?

use mlops_core::{Error, Result, random::RandomKey, stats::TestResult};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::{Moments, Standardizer, eigen, rows};
use crate::stats::{Sample, brunner_munzel};

/// How a [`PcaReference`] is made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PcaOptions {
    /// The share of the variance that the components explain at least, above 0 and below 1; by default 0.65, as
    /// in NannyML.
    pub explained: f64,
    /// What the reference is divided in halves by.
    pub seed: u64,
}

impl Default for PcaOptions {
    fn default() -> Self {
        Self { explained: 0.65, seed: 0 }
    }
}

impl PcaOptions {
    /// With components that explain this share.
    #[must_use]
    pub fn with_explained(mut self, explained: f64) -> Self {
        self.explained = explained;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// The principal components of a reference, and how well they reconstruct rows of it.
///
/// Columns are brought to one scale by a [`Standardizer`]; the leading eigenvectors of their covariance span
/// what is common to them. A row's error is its distance from its projection onto that. It changes when a
/// correlation does, though every column by itself stays what it was.
///
/// Components fit the rows they were made of better than others, so they are made of one half of the
/// reference, drawn at random, and errors are kept of the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct PcaReference {
    standardizer: Standardizer,
    /// Of rows on that scale.
    mean: Vec<f64>,
    /// Components × columns.
    components: Array2<f64>,
    /// Of the other half, ascending.
    errors: Vec<f64>,
}

/// The most columns: the time of a fit grows with their cube.
const MAX_COLUMNS: usize = 256;

impl PcaReference {
    /// Of these rows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than 20 rows, no columns, values that are not finite or beyond
    /// 10^100, and a share that is not between 0 and 1. [`Error::TooLarge`] for more than 256 columns.
    pub fn fit(reference: ArrayView2<'_, f64>, options: &PcaOptions) -> Result<Self> {
        rows::check("reference", reference, 20)?;
        if reference.ncols() > MAX_COLUMNS {
            return Err(Error::TooLarge {
                what: "principal components (columns)",
                actual: reference.ncols() as u64,
                limit: MAX_COLUMNS as u64,
            });
        }
        if !(options.explained > 0.0 && options.explained < 1.0) {
            let reason = format!("{} is not between 0 and 1", options.explained);
            return Err(Error::invalid("explained", reason));
        }
        let key = RandomKey::from_seed(options.seed).derive("halves for principal components");
        let order = rows::draw(reference.nrows(), reference.nrows(), key);
        let (first, second) = order.split_at(reference.nrows() / 2);
        let first = reference.select(Axis(0), first);
        let standardizer = Standardizer::fit(first.view())?;
        let mut moments = Moments::new(reference.ncols());
        moments.observe_rows(standardizer.apply(first.view())?.view())?;
        let covariance =
            moments.covariance().ok_or_else(|| Error::invalid("reference", "no rows"))?;
        let (values, vectors) = eigen::symmetric(covariance);
        let wanted = options.explained * values.sum();
        let mut sum = 0.0;
        let count = values.iter().take_while(|value| {
            let more = sum < wanted;
            sum += **value;
            more
        });
        let components = vectors.slice(s![..count.count(), ..]).to_owned();
        let mut made =
            Self { standardizer, mean: moments.mean().to_vec(), components, errors: Vec::new() };
        made.errors = made.errors(reference.select(Axis(0), second).view())?;
        made.errors.sort_unstable_by(f64::total_cmp);
        Ok(made)
    }

    /// How far each row is from its reconstruction, in deviations.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for other columns than the reference's, and for values that are not finite
    /// or beyond 10^100.
    pub fn errors(&self, rows: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let centred = self.standardizer.apply(rows)? - ArrayView1::from(&self.mean);
        let reconstructed = centred.dot(&self.components.t()).dot(&self.components);
        Ok(rows::squares((centred - reconstructed).view()).into_iter().map(f64::sqrt).collect())
    }

    /// Do errors of these rows tend to be larger or smaller than those of the reference? The test of Brunner &
    /// Munzel, to both sides, as changes of correlation change the spread of errors too.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than 2 rows, other columns, and for values that are not finite or
    /// beyond 10^100.
    pub fn test(&self, current: ArrayView2<'_, f64>) -> Result<TestResult> {
        rows::check_columns("current", current.ncols(), self.mean.len())?;
        rows::check("current", current, 2)?;
        let reference = Sample::from_slice("reference", &self.errors)?;
        let current = Sample::new("current", self.errors(current)?)?;
        brunner_munzel::test(&reference, &current, Default::default())
    }

    /// How many components there are.
    #[must_use]
    pub fn components(&self) -> usize {
        self.components.nrows()
    }
}

/// [`PcaReference`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    standardizer: Standardizer,
    mean: Vec<f64>,
    components: Vec<f64>,
    errors: Vec<f64>,
}

impl From<PcaReference> for Stored {
    fn from(reference: PcaReference) -> Self {
        Self {
            standardizer: reference.standardizer,
            mean: reference.mean,
            components: reference.components.iter().copied().collect(),
            errors: reference.errors,
        }
    }
}

impl TryFrom<Stored> for PcaReference {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let columns = stored.mean.len();
        let count = stored.components.len().checked_div(columns).unwrap_or(0);
        let components = Array2::from_shape_vec((count, columns), stored.components)
            .map_err(|error| Error::invalid("components", format!("{columns} columns: {error}")))?;
        // Components have the length 1, and columns on one scale end at a limit.
        let is_scaled = |value: &f64| value.abs() <= 1e3;
        if !components.iter().chain(&stored.mean).all(is_scaled)
            || !stored.errors.iter().all(|error| *error >= 0.0 && error.is_finite())
        {
            return Err(Error::invalid("components", "no reference has these"));
        }
        if stored.errors.len() < 2 || stored.standardizer.columns() != columns || count > columns {
            let reason = format!("{columns} columns, {} errors", stored.errors.len());
            return Err(Error::invalid("components", reason));
        }
        Ok(Self {
            standardizer: stored.standardizer,
            mean: stored.mean,
            components,
            errors: stored.errors,
        })
    }
}

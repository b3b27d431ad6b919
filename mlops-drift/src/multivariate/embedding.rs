//! Embeddings: has their mean moved?

use mlops_core::{Error, Result, random::RandomKey, stats::TestResult};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::{
    Moments, RowMean, cholesky::Cholesky, cosine_null::CosineNull, mean_shift::MeanShiftLaw, rows,
};

/// How an [`EmbeddingReference`] is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EmbeddingOptions {
    /// How many cosine distances are simulated, from 1 to 1 000 000; by default 999, so that the smallest
    /// probability is 0.001.
    pub simulations: u32,
    /// What the random numbers are made from.
    pub seed: u64,
}

impl Default for EmbeddingOptions {
    fn default() -> Self {
        Self { simulations: 999, seed: 0 }
    }
}

impl EmbeddingOptions {
    /// With so many simulations.
    #[must_use]
    pub fn with_simulations(mut self, simulations: u32) -> Self {
        self.simulations = simulations;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// A reference of embeddings, which later ones are compared with by their mean alone: live memory is
/// one row, whatever the traffic, and replicas add up.
///
/// How far the mean of a window moves by chance depends on how many rows the reference and the window have,
/// and on the covariance of the rows. No fixed threshold fits all sizes; the ones here are for given
/// sizes, from the reference itself.
///
/// ```
/// use mlops_drift::{multivariate::embedding::EmbeddingReference, ndarray::Array2};
///
/// # fn main() -> mlops_core::Result<()> {
/// let rows = Array2::from_shape_fn((400, 3), |(i, j)| ((i * i + 5 * i * j) % (17 + j)) as f64);
/// let reference = EmbeddingReference::fit(rows.view(), &Default::default())?;
///
/// let mut window = reference.no_rows();
/// for row in 0..50 {
///     window.observe(&[f64::from(row % 17), f64::from(row % 5), f64::from(row % 19)])?;
/// }
/// let found = reference.mahalanobis(&window)?;
/// assert!(found.test.statistic > reference.mahalanobis_threshold(50, 0.001)?);
/// assert!(found.test.p_value < 0.001);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct EmbeddingReference {
    rows: u64,
    centroid: Array1<f64>,
    /// What rows are divided by, so that all directions vary alike.
    whitener: Cholesky,
    law: MeanShiftLaw,
    /// None where the mean has no direction.
    cosine: Option<CosineNull>,
}

/// How far the mean of embeddings has moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmbeddingShift {
    /// The statistic is the distance of the means.
    pub test: TestResult,
    /// The distance less what chance adds to it: the square root, or for the cosine the value, of an estimate
    /// that is 0 on average where nothing changed; not below 0.
    pub effect: f64,
}

impl EmbeddingReference {
    /// The fewest rows of a reference.
    pub const MIN_ROWS: usize = 100;

    /// Of these rows, which are divided at random into the two halves of
    /// [`from_halves`](Self::from_halves).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than 100 rows, no columns, values that are not finite or beyond
    /// 10^100, rows that are all equal, and a number of simulations that is out
    /// of range.
    pub fn fit(rows: ArrayView2<'_, f64>, options: &EmbeddingOptions) -> Result<Self> {
        rows::check("reference", rows, Self::MIN_ROWS)?;
        let key = RandomKey::from_seed(options.seed).derive("halves of embeddings");
        let order = rows::draw(rows.nrows(), rows.nrows(), key);
        let mut halves = [Moments::new(rows.ncols()), Moments::new(rows.ncols())];
        let (first, second) = order.split_at(rows.nrows() / 2);
        for (half, order) in halves.iter_mut().zip([first, second]) {
            for some in order.chunks(4096) {
                half.observe_rows(rows.select(Axis(0), some).view())?;
            }
        }
        Self::from_halves(&halves[0], &halves[1], options)
    }

    /// Of two parts of a reference, neither of which need be in memory. Which rows are in which must be
    /// chance, or by turns.
    ///
    /// A covariance does not fit other rows as well as those it was made of, the less so the more columns
    /// there are; so the first half makes the covariance that Mahalanobis' distance divides by (Ledoit &
    /// Wolf's), and the second shows how rows vary when divided by it. The mean is that of both.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), where each half has at least 50 rows.
    pub fn from_halves(
        first: &Moments,
        second: &Moments,
        options: &EmbeddingOptions,
    ) -> Result<Self> {
        for half in [first, second] {
            if half.rows() < Self::MIN_ROWS as u64 / 2 {
                let reason = format!("a half of {} rows; at least 50 are needed", half.rows());
                return Err(Error::invalid("reference", reason));
            }
        }
        if !(1..=1_000_000).contains(&options.simulations) {
            let reason = format!("{} is not 1 to 1000000", options.simulations);
            return Err(Error::invalid("simulations", reason));
        }
        let mut all = first.clone();
        all.merge(second)?;
        let covariance = |moments: &Moments| {
            moments.shrunk_covariance().ok_or_else(|| Error::invalid("reference", "no rows"))
        };
        let mut whitener = Cholesky::new("covariance of the reference", covariance(first)?.matrix)?;
        let mut whitened =
            second.covariance().ok_or_else(|| Error::invalid("reference", "no rows"))?;
        // `L⁻¹ S L⁻ᵀ`, from either side.
        for _ in 0..2 {
            whitener.solve_lower(&mut whitened.view_mut());
            whitened = whitened.reversed_axes().as_standard_layout().into_owned();
        }
        // So that a row varies by 1 in each direction, on average.
        let scale = whitened.diag().sum() / whitened.nrows() as f64;
        if scale > 0.0 {
            whitened /= scale;
            whitener = Cholesky::from_lower(whitener.lower() * scale.sqrt());
        }
        Ok(Self {
            rows: all.rows(),
            centroid: all.mean().to_owned(),
            law: MeanShiftLaw::of_covariance(&whitened, second.rows()),
            whitener,
            cosine: CosineNull::simulate(&all, *options)?,
        })
    }

    /// The mean of no rows, to be filled.
    #[must_use]
    pub fn no_rows(&self) -> RowMean {
        RowMean::new(self.centroid.len())
    }

    /// Mahalanobis' distance of the means, `√((ȳ - x̄)ᵀ Σ⁻¹ (ȳ - x̄))`, in standard deviations of a row,
    /// with a shrunk covariance.
    ///
    /// The probability is that of its law in the limit, a weighted sum of χ². In simulations with windows of 2
    /// to 2000 rows, 100 to 2000 of the reference and 4 to 256 columns, the rate of false alarms at 5 % is 4 to
    /// 6 %; of rows with very heavy tails (lognormal, 50 in a window) 9 %.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no rows, and other columns.
    pub fn mahalanobis(&self, current: &RowMean) -> Result<EmbeddingShift> {
        let mean = self.mean_of(current)?;
        let mut apart = &mean - &self.centroid;
        self.whitener.solve_lower(&mut apart.view_mut().insert_axis(Axis(1)));
        let square = apart.dot(&apart);
        if !square.is_finite() {
            let reason = "its mean is too far from the reference's for a double";
            return Err(Error::invalid("current", reason));
        }
        let by_chance = self.by_chance(current.rows());
        let p_value = self.law.p_value(square / by_chance);
        let effect = (square - self.law.mean() * by_chance).max(0.0).sqrt();
        Ok(EmbeddingShift { test: TestResult { statistic: square.sqrt(), p_value }, effect })
    }

    /// The distance that [`mahalanobis`](Self::mahalanobis) reaches with probability `p`, for a window of
    /// so many rows of which none has changed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no rows, and a `p` that is not between 0 and 1.
    pub fn mahalanobis_threshold(&self, rows: u64, p: f64) -> Result<f64> {
        check_threshold(rows, p)?;
        Ok((self.law.threshold(p) * self.by_chance(rows)).max(0.0).sqrt())
    }

    /// The cosine distance of the means, `1 - x̄·ȳ / (|x̄| |ȳ|)`, in `[0, 2]`.
    ///
    /// It is compared with distances that were simulated with normal errors of both means, in the
    /// reference's covariance. Of a shift it sees what turns the mean: most of it if the mean is far from 0. In the
    /// simulations of [`mahalanobis`](Self::mahalanobis) the rate of false alarms at 5 % is 4.7 to 6.6 %, and
    /// with very heavy tails 8 %.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no rows, other columns, and a mean that is exactly 0; and if the
    /// reference's mean is so near to 0 that its direction is chance: if its square is less than 10 times
    /// its variance.
    pub fn cosine(&self, current: &RowMean) -> Result<EmbeddingShift> {
        let mean = self.mean_of(current)?;
        // A product of squares could overflow.
        let lengths = mean.dot(&mean).sqrt() * self.centroid.dot(&self.centroid).sqrt();
        if lengths == 0.0 {
            return Err(Error::invalid("current", "its mean is 0, which has no direction"));
        }
        let statistic = (1.0 - self.centroid.dot(&mean) / lengths).clamp(0.0, 2.0);
        let simulated = self.cosine_null()?.distances(self.rows, current.rows());
        // What differs by rounding is the same.
        let as_extreme = simulated.iter().filter(|other| **other >= statistic - 1e-15).count();
        let count = simulated.len() as f64;
        let p_value = (as_extreme as f64 + 1.0) / (count + 1.0);
        let effect = (statistic - simulated.iter().sum::<f64>() / count).max(0.0);
        Ok(EmbeddingShift { test: TestResult { statistic, p_value }, effect })
    }

    /// The distance that [`cosine`](Self::cosine) reaches with probability `p`, for a window of so many
    /// rows of which none has changed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no rows, a `p` that is not between 0 and 1, or is less than the
    /// simulations can tell, and for a reference whose mean is too near to 0, as for [`cosine`](Self::cosine).
    pub fn cosine_threshold(&self, rows: u64, p: f64) -> Result<f64> {
        check_threshold(rows, p)?;
        let mut simulated = self.cosine_null()?.distances(self.rows, rows);
        let above = (p * (simulated.len() as f64 + 1.0) + 1e-9).floor() as usize;
        if above == 0 {
            let reason = format!("{p} is less than {} simulations can tell", simulated.len());
            return Err(Error::invalid("probability", reason));
        }
        simulated.sort_unstable_by(|a, b| b.total_cmp(a));
        Ok(simulated[above - 1])
    }

    /// How many rows the reference has.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The mean of the reference.
    #[must_use]
    pub fn centroid(&self) -> ArrayView1<'_, f64> {
        self.centroid.view()
    }

    fn cosine_null(&self) -> Result<&CosineNull> {
        let reason = "its mean is too near to 0 to have a direction; use Mahalanobis' distance";
        self.cosine.as_ref().ok_or_else(|| Error::invalid("reference", reason))
    }

    fn mean_of(&self, current: &RowMean) -> Result<Array1<f64>> {
        rows::check_columns("current", current.columns(), self.centroid.len())?;
        Ok(Array1::from(current.of_at_least("current", 1)?))
    }

    /// The variance of the difference of two means, for rows of variance 1.
    fn by_chance(&self, rows: u64) -> f64 {
        1.0 / self.rows as f64 + 1.0 / rows as f64
    }
}

fn check_threshold(rows: u64, p: f64) -> Result<()> {
    if rows == 0 {
        return Err(Error::invalid("rows", "0; at least one is needed"));
    }
    if !(p > 0.0 && p < 1.0) {
        return Err(Error::invalid("probability", format!("{p} is not between 0 and 1")));
    }
    Ok(())
}

/// [`EmbeddingReference`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    rows: u64,
    centroid: Vec<f64>,
    whitener: Vec<f64>,
    law: MeanShiftLaw,
    cosine: Option<CosineNull>,
}

impl From<EmbeddingReference> for Stored {
    fn from(reference: EmbeddingReference) -> Self {
        Self {
            rows: reference.rows,
            centroid: reference.centroid.to_vec(),
            whitener: reference.whitener.lower().iter().copied().collect(),
            law: reference.law,
            cosine: reference.cosine,
        }
    }
}

impl TryFrom<Stored> for EmbeddingReference {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let columns = stored.centroid.len();
        let lower = Array2::from_shape_vec((columns, columns), stored.whitener)
            .map_err(|error| Error::invalid("whitener", format!("{columns} columns: {error}")))?;
        if stored.rows == 0
            || stored.cosine.as_ref().is_some_and(|null| !null.is_possible())
            || lower.diag().iter().any(|v| *v <= 0.0)
            || lower.iter().any(|value| !value.is_finite())
            || stored.centroid.iter().any(|value| rows::check_value(*value).is_err())
        {
            return Err(Error::invalid(
                "reference",
                "no rows, no scale or no possible simulations",
            ));
        }
        Ok(Self {
            rows: stored.rows,
            centroid: stored.centroid.into(),
            whitener: Cholesky::from_lower(lower),
            law: stored.law,
            cosine: stored.cosine,
        })
    }
}

//! Maximum mean discrepancy by random features: in the memory of one vector, and sums that add up.

use mlops_core::{
    Digest, Error, Result,
    random::RandomKey,
    stats::{TestResult, normal},
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::{Bandwidth, Moments, RowMean, bandwidth, mean_shift::MeanShiftLaw, rows};

/// How random features are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RandomFeaturesOptions {
    /// How many features a row has, an even number from 2 to 4096; by default 512. The error of the kernel
    /// is about `1 / √features`, and the time of a fit grows with their cube.
    pub features: usize,
    /// Of the kernel; by default the median distance in the reference.
    pub bandwidth: Bandwidth,
    /// What the features are drawn from: the same seed gives the same.
    pub seed: u64,
}

impl Default for RandomFeaturesOptions {
    fn default() -> Self {
        Self { features: 512, bandwidth: Bandwidth::default(), seed: 0 }
    }
}

impl RandomFeaturesOptions {
    /// With so many features.
    #[must_use]
    pub fn with_features(mut self, features: usize) -> Self {
        self.features = features;
        self
    }

    /// With this bandwidth.
    #[must_use]
    pub fn with_bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.bandwidth = bandwidth;
        self
    }

    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// Random Fourier features of the Gaussian kernel (Rahimi & Recht 2007, "Random features for large-scale
/// kernel machines"), frozen with a reference, which later rows are tested against.
///
/// Of a row `x` of `d` columns they are `√(2/D) (cos ω_1·x, …, cos ω_{D/2}·x, sin ω_1·x, …)`, where the
/// `ω` are normal with standard deviation `1/σ`: the product of two rows' features is on average
/// `exp(-|x - y|² / (2 σ²))`. So the squared distance of two *means* of features is MMD², and of any
/// number of live rows nothing is kept but [sums](FeatureSums) of `D` numbers, which replicas add up. A row takes
/// `d D / 2` multiplications. It is written as what it was drawn from, the reference's mean features,
/// and three numbers of their law.
///
/// ```
/// use mlops_drift::{multivariate::random_features::RandomFeatures, ndarray::Array2};
///
/// # fn main() -> mlops_core::Result<()> {
/// let reference = Array2::from_shape_fn((500, 2), |(i, j)| ((i * 7 + j * 13) % 20) as f64);
/// let features = RandomFeatures::fit(reference.view(), &Default::default())?;
///
/// let (mut one, mut other) = (features.no_rows(), features.no_rows());
/// for row in 0..100 {
///     features.observe(&[f64::from(row % 20), f64::from(row % 7)], &mut one)?;
///     features.observe(&[f64::from(row % 20), f64::from(row % 9)], &mut other)?;
/// }
/// one.merge(&other)?;
/// assert!(features.test(&one)?.p_value < 1e-6);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct RandomFeatures {
    stored: Stored,
    /// Columns × half of the features.
    frequencies: Array2<f64>,
    identity: Digest,
}

/// Sums of the features of some rows: of a window, of a replica. The identity of
/// [`merge`](Self::merge) is [`RandomFeatures::no_rows`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSums {
    /// Of the features that were summed.
    features: Digest,
    mean: RowMean,
}

impl FeatureSums {
    /// Takes the rows of another, in any order and grouping, up to rounding.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has sums of other features.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if other.features != self.features {
            return Err(other_features(&other.features, &self.features));
        }
        self.mean.merge(&other.mean)
    }

    /// How many rows there were.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.mean.rows()
    }
}

fn check_count(features: usize) -> Result<()> {
    if (2..=4096).contains(&features) && features.is_multiple_of(2) {
        return Ok(());
    }
    Err(Error::invalid("features", format!("{features} is not an even number from 2 to 4096")))
}

/// Frequencies, one for each column and two features: half a gigabyte of them.
const MAX_FREQUENCIES: usize = 1 << 26;

fn check_size(features: usize, columns: usize) -> Result<()> {
    let frequencies = columns.saturating_mul(features / 2);
    if frequencies <= MAX_FREQUENCIES {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "random features (frequencies)",
        actual: frequencies as u64,
        limit: MAX_FREQUENCIES as u64,
    })
}

fn other_features(found: &Digest, expected: &Digest) -> Error {
    Error::invalid("sums", format!("they are of features {found}, not {expected}"))
}

impl RandomFeatures {
    /// The fewest rows of a reference: the law of its features is estimated from them.
    pub const MIN_REFERENCE_ROWS: usize = 100;

    /// The fewest rows that are tested: the sum of fewer has not the law of the limit.
    pub const MIN_ROWS: u64 = 5;

    /// Draws features for a reference, and keeps their mean and law. The law is from at most 4096 of its
    /// rows, drawn at random.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a reference of fewer than 100 rows, without columns, with values that
    /// are not finite or beyond 10^100, and for options that are out of range.
    pub fn fit(reference: ArrayView2<'_, f64>, options: &RandomFeaturesOptions) -> Result<Self> {
        /// The third trace of a covariance is within a few percent from so many.
        const ENOUGH: usize = 4096;

        rows::check("reference", reference, Self::MIN_REFERENCE_ROWS)?;
        check_count(options.features)?;
        check_size(options.features, reference.ncols())?;
        let bandwidth = options.bandwidth.of(reference, options.seed)?;
        let origin = rows::medians(reference).to_vec();
        let drawn = Drawn { features: options.features, bandwidth, seed: options.seed, origin };
        let (frequencies, identity) = (drawn.frequencies(), drawn.identity());
        let law = MeanShiftLaw::of_covariance(&Array2::zeros((1, 1)), 3);
        let stored = Stored { drawn, rows: 0, mean: Vec::new(), law };
        let mut features = Self { stored, frequencies, identity };

        let mut sums = features.no_rows();
        features.observe_rows(reference, &mut sums)?;
        let key = RandomKey::from_seed(options.seed).derive("rows for the law of features");
        let mut moments = Moments::new(options.features);
        for some in rows::draw(reference.nrows(), ENOUGH, key).chunks(STRIP) {
            moments.observe_rows(features.of(reference.select(Axis(0), some).view()).view())?;
        }
        let covariance =
            moments.covariance().ok_or_else(|| Error::invalid("reference", "fewer than 2 rows"))?;
        features.stored.rows = sums.rows();
        features.stored.mean = sums.mean.of_at_least("reference", 1)?;
        features.stored.law = MeanShiftLaw::of_covariance(&covariance, moments.rows());
        Ok(features)
    }

    /// Sums of no rows, to be filled.
    #[must_use]
    pub fn no_rows(&self) -> FeatureSums {
        FeatureSums {
            features: self.identity.clone(),
            mean: RowMean::new(self.stored.drawn.features),
        }
    }

    /// Adds a row's features to the sums.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for other columns than the reference's, values that are not finite or beyond
    /// 10^100, and sums of other features. Nothing is added then.
    pub fn observe(&self, row: &[f64], sums: &mut FeatureSums) -> Result<()> {
        self.observe_rows(ArrayView1::from(row).insert_axis(Axis(0)), sums)
    }

    /// Adds the features of some rows to the sums.
    ///
    /// # Errors
    /// Those of [`observe`](Self::observe).
    pub fn observe_rows(&self, rows: ArrayView2<'_, f64>, sums: &mut FeatureSums) -> Result<()> {
        if sums.features != self.identity {
            return Err(other_features(&sums.features, &self.identity));
        }
        rows::check_columns("sums", sums.mean.columns(), self.stored.drawn.features)?;
        rows::check_columns("rows", rows.ncols(), self.columns())?;
        rows::check("rows", rows, 0)?;
        for some in rows.axis_chunks_iter(Axis(0), STRIP) {
            for row in self.of(some).rows() {
                sums.mean.add(row);
            }
        }
        Ok(())
    }

    /// Do these rows come from the distribution of the reference?
    ///
    /// The statistic is the unbiased MMD² of these features, as that of [`mmd`](super::mmd): the effect itself.
    /// It is compared with its law in the limit, a weighted sum of χ² less its mean, whose weights are
    /// those of the covariance of the reference's features. In simulations with 5 to 200 live rows, 100 to 2000 of
    /// the reference, 4 to 256 columns and normal, heavy and skewed tails, the rate of false alarms at 5 % is
    /// 4.2 to 6.2 %.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than 5 rows, and for sums of other features.
    pub fn test(&self, current: &FeatureSums) -> Result<TestResult> {
        if current.features != self.identity {
            return Err(other_features(&current.features, &self.identity));
        }
        rows::check_columns("sums", current.mean.columns(), self.stored.drawn.features)?;
        let second = ArrayView1::from(&self.stored.mean);
        let first = Array1::from(current.mean.of_at_least("current", Self::MIN_ROWS)?);
        let (n, m) = (current.rows() as f64, self.stored.rows as f64);
        let apart = &first - &second;
        // A row's features have the length 1, so their mean tells how much they vary.
        let variance = |mean: f64, rows: f64| (1.0 - mean).max(0.0) / (rows - 1.0);
        let by_chance = variance(first.dot(&first), n) + variance(second.dot(&second), m);
        let statistic = apart.dot(&apart) - by_chance;
        let form = n * m / (n + m) * statistic + self.stored.law.mean();
        Ok(TestResult { statistic, p_value: self.stored.law.p_value(form) })
    }

    /// The bandwidth of the kernel.
    #[must_use]
    pub fn bandwidth(&self) -> f64 {
        self.stored.drawn.bandwidth
    }

    /// How many columns a row has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.stored.drawn.origin.len()
    }

    /// The features of these rows.
    fn of(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        let half = self.frequencies.ncols();
        let size = (half as f64).recip().sqrt();
        let phases = (&rows - &ArrayView1::from(&self.stored.drawn.origin)).dot(&self.frequencies);
        let mut features = Array2::zeros((rows.nrows(), 2 * half));
        for (phases, mut features) in phases.rows().into_iter().zip(features.rows_mut()) {
            let (mut cosines, mut sines) = features.multi_slice_mut((s![..half], s![half..]));
            for ((phase, cosine), sine) in phases.iter().zip(&mut cosines).zip(&mut sines) {
                let (s, c) = phase.sin_cos();
                (*cosine, *sine) = (c * size, s * size);
            }
        }
        features
    }
}

/// Rows whose features are made at a time: enough for a matrix product, few enough to stay in a cache.
const STRIP: usize = 256;

/// What features were drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    features: usize,
    bandwidth: f64,
    seed: u64,
    /// What is taken from each column: the kernel does not change with it, rounding does.
    origin: Vec<f64>,
}

impl Drawn {
    fn frequencies(&self) -> Array2<f64> {
        let half = self.features / 2;
        let key = RandomKey::from_seed(self.seed).derive("random Fourier features");
        let mut frequencies = Array2::zeros((self.origin.len(), half));
        for (column, mut row) in frequencies.rows_mut().into_iter().enumerate() {
            let mut random = key.stream(column as u64);
            // Half a step from 0, where the quantile is infinite.
            let step = 0.5 / (1_u64 << 53) as f64;
            row.map_inplace(|value| {
                *value = normal::quantile(random.next_unit() + step) / self.bandwidth;
            });
        }
        frequencies
    }

    fn identity(&self) -> Digest {
        let mut bytes = vec![];
        bytes.extend((self.features as u64).to_le_bytes());
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend(self.bandwidth.to_bits().to_le_bytes());
        self.origin.iter().for_each(|value| bytes.extend(value.to_bits().to_le_bytes()));
        Digest::of(&bytes)
    }
}

/// [`RandomFeatures`] as they are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    drawn: Drawn,
    /// Of the reference.
    rows: u64,
    mean: Vec<f64>,
    law: MeanShiftLaw,
}

impl From<RandomFeatures> for Stored {
    fn from(features: RandomFeatures) -> Self {
        features.stored
    }
}

impl TryFrom<Stored> for RandomFeatures {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let Drawn { features, bandwidth, origin, .. } = &stored.drawn;
        check_count(*features)?;
        check_size(*features, origin.len())?;
        bandwidth::check(*bandwidth)?;
        if *features != stored.mean.len() || origin.is_empty() || stored.rows < 2 {
            let (means, columns, rows) = (stored.mean.len(), origin.len(), stored.rows);
            let reason = format!("{means} means of {columns} columns and {rows} rows");
            return Err(Error::invalid("features", reason));
        }
        // A row's features have the length 1.
        if stored.mean.iter().any(|mean| mean.abs() > 1.0)
            || origin.iter().any(|value| rows::check_value(*value).is_err())
        {
            return Err(Error::invalid("features", "no rows have this mean and this origin"));
        }
        let (frequencies, identity) = (stored.drawn.frequencies(), stored.drawn.identity());
        Ok(Self { stored, frequencies, identity })
    }
}

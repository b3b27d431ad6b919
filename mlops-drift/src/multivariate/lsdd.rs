//! Least-squares density difference.

use mlops_core::{Error, Result, random::RandomKey, stats::TestResult};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::{Bandwidth, Standardizer, cholesky::Cholesky, membership, rows};
use crate::stats::permutation::PermutationOptions;

/// How the difference of densities is tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LsddOptions {
    /// Of the kernels, on the [`Standardizer`]'s scale; by default the median distance of all rows.
    pub bandwidth: Bandwidth,
    /// How many kernels the difference is made of, by default 100; at most 2000.
    pub kernels: usize,
    /// By default 999 permutations.
    pub permutation: PermutationOptions,
    /// The most rows that both samples may have together, by default 50 000.
    pub max_rows: usize,
}

impl Default for LsddOptions {
    fn default() -> Self {
        Self {
            bandwidth: Bandwidth::default(),
            kernels: 100,
            permutation: PermutationOptions::default(),
            max_rows: 50_000,
        }
    }
}

impl LsddOptions {
    /// With this bandwidth.
    #[must_use]
    pub fn with_bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.bandwidth = bandwidth;
        self
    }

    /// With so many kernels.
    #[must_use]
    pub fn with_kernels(mut self, kernels: usize) -> Self {
        self.kernels = kernels;
        self
    }

    /// With these permutations.
    #[must_use]
    pub fn with_permutation(mut self, permutation: PermutationOptions) -> Self {
        self.permutation = permutation;
        self
    }

    /// With at most so many rows in both samples together.
    #[must_use]
    pub fn with_max_rows(mut self, max_rows: usize) -> Self {
        self.max_rows = max_rows;
        self
    }
}

/// What [`test()`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lsdd {
    /// The statistic is `(π σ²)^(d/2) ∫ (p - q)²`, estimated: the effect, which does not grow with the number
    /// of rows, though by chance it is above 0 where nothing changed.
    pub test: TestResult,
    /// The bandwidth of the kernels, on the [`Standardizer`]'s scale.
    pub bandwidth: f64,
    /// The regularisation that was chosen.
    pub regularization: f64,
}

/// Tests whether two densities differ, by the integral of their squared difference (Sugiyama et al. 2013,
/// "Density-difference estimation").
///
/// The difference is modelled as it is, not as that of two estimates: `g(x) = Σ_l θ_l
/// exp(-|x - c_l|² / (2 σ²))` with rows as centres `c_l`. With `H_lk = exp(-|c_l - c_k|² / (4 σ²))` and `h_l` the
/// difference of the two samples' means of kernel `l`, `θ = (H + λ I)⁻¹ h`, and the statistic is
/// `2 hᵀθ - θᵀHθ`, of the estimates there the one of least bias. The constant `(π σ²)^(d/2)` of `H`, which has no meaning in many
/// dimensions, is left out: it only divides the statistic and is in the unit of `λ`.
///
/// Two other estimates, `hᵀθ` and `θᵀHθ`, differ by `λ θᵀθ`, more the more `λ` pulls. `λ` is the largest
/// of 10, 1, …, 10⁻⁸ for which that is on average at most a fifth of `hᵀθ` (Bu, Alippi & Zhao 2018, "A pdf-free
/// change detection test based on density difference estimation"); the average is over what was
/// observed and all permutations. Centres are a random subset of all rows, and columns are brought to one scale
/// by a [`Standardizer`] of all rows. So nothing depends on which rows are in which sample, and the probability,
/// `(b + 1) / (m + 1)` by permutations, is exact at any size.
///
/// With `N` rows in both samples, `b` kernels and `p` permutations this takes `N b (d + p)` multiplications and
/// `8 N (d + b + p)` bytes.
///
/// # Errors
/// [`Error::InvalidArgument`] for samples of fewer than 2 rows, of different columns or none, with values that
/// are not finite or beyond 10^100; for a bandwidth that is not positive, no permutations, and kernels that are
/// not 1 to 2000. [`Error::TooLarge`] for more than [`LsddOptions::max_rows`], and for more
/// than 2^27 rows times permutations.
pub fn test(
    reference: ArrayView2<'_, f64>,
    current: ArrayView2<'_, f64>,
    options: &LsddOptions,
) -> Result<Lsdd> {
    let total = reference.nrows().saturating_add(current.nrows());
    if total > options.max_rows {
        return Err(Error::TooLarge {
            what: "difference of densities (rows)",
            actual: total as u64,
            limit: options.max_rows as u64,
        });
    }
    if !(1..=2000).contains(&options.kernels) {
        return Err(Error::invalid("kernels", format!("{} is not 1 to 2000", options.kernels)));
    }
    let pooled = rows::pool(reference, current, 2)?;
    let mut pooled = Standardizer::fit(pooled.view())?.apply(pooled.view())?;
    let seed = options.permutation.seed;
    let bandwidth = options.bandwidth.of(pooled.view(), seed)?;
    pooled /= bandwidth * std::f64::consts::SQRT_2;
    let key = RandomKey::from_seed(seed).derive("centres of kernels");
    let centres = pooled.select(Axis(0), &rows::draw(total, options.kernels, key));

    let members = membership::matrix(reference.nrows(), total, options.permutation)?;
    let kernels = kernels(pooled.view(), centres.view(), 1.0);
    // For what was observed and each permutation, the difference of the means of each kernel.
    let all = kernels.sum_axis(Axis(0));
    let (first, second) = (reference.nrows() as f64, current.nrows() as f64);
    let mut differences = kernels.t().dot(&members) * (1.0 / first + 1.0 / second);
    differences -= &(all / second).insert_axis(Axis(1));

    let products = self::kernels(centres.view(), centres.view(), 0.5);
    let (regularization, statistics) = regularized(&products, &differences)?;
    // What differs by rounding is the same.
    let p_value = membership::p_value(&statistics, 1e-10 * statistics[0].abs());
    Ok(Lsdd { test: TestResult { statistic: statistics[0], p_value }, bandwidth, regularization })
}

/// `exp(-sharpness |x - c|²)` of each row and centre.
fn kernels(rows: ArrayView2<'_, f64>, centres: ArrayView2<'_, f64>, sharpness: f64) -> Array2<f64> {
    let (squares, others) = (rows::squares(rows), rows::squares(centres));
    let mut kernels = rows.dot(&centres.t());
    for (mut row, square) in kernels.rows_mut().into_iter().zip(squares) {
        for (value, other) in row.iter_mut().zip(&others) {
            *value = (sharpness * (2.0 * *value - square - other).min(0.0)).exp();
        }
    }
    kernels
}

/// How far two estimates may be apart for the sake of regularisation, in shares of one.
const LARGEST_GAP: f64 = 0.2;

/// The regularisation chosen, and the statistic of each column of differences with it.
fn regularized(products: &Array2<f64>, differences: &Array2<f64>) -> Result<(f64, Vec<f64>)> {
    let sums = |a: &Array2<f64>, b: &Array2<f64>| -> Array1<f64> { (a * b).sum_axis(Axis(0)) };
    let mut found = (0.0, Vec::new());
    for exponent in (-8..=1).rev() {
        let lambda = 10_f64.powi(exponent);
        let mut matrix = products.clone();
        matrix.diag_mut().map_inplace(|value| *value += lambda);
        let mut theta = differences.clone();
        Cholesky::new("kernels", matrix)?.solve(&mut theta.view_mut());
        let (fit, pull) = (sums(differences, &theta), sums(&theta, &theta) * lambda);
        // `θᵀHθ = hᵀθ - λ θᵀθ`.
        let gaps =
            fit.iter().zip(&pull).map(|(fit, pull)| if *fit > 0.0 { pull / fit } else { 0.0 });
        let gap = gaps.sum::<f64>() / fit.len() as f64;
        found = (lambda, (&fit + &pull).to_vec());
        if gap <= LARGEST_GAP {
            break;
        }
    }
    Ok(found)
}

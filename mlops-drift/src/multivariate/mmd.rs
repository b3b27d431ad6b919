//! Maximum mean discrepancy.

use mlops_core::{Error, Result, stats::TestResult};
use ndarray::{Array2, ArrayView1, ArrayView2, linalg::general_mat_mul, s};
use serde::{Deserialize, Serialize};

use super::{Bandwidth, membership, rows};
use crate::stats::permutation::PermutationOptions;

/// How maximum mean discrepancy is tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MmdOptions {
    /// Of the kernel; by default the median distance of all rows.
    pub bandwidth: Bandwidth,
    /// By default 999 permutations.
    pub permutation: PermutationOptions,
    /// The most rows that both samples may have together, by default 20 000: time grows with their
    /// square.
    pub max_rows: usize,
}

impl Default for MmdOptions {
    fn default() -> Self {
        Self {
            bandwidth: Bandwidth::default(),
            permutation: PermutationOptions::default(),
            max_rows: 20_000,
        }
    }
}

impl MmdOptions {
    /// With this bandwidth.
    #[must_use]
    pub fn with_bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.bandwidth = bandwidth;
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
pub struct Mmd {
    /// The statistic is the unbiased MMD², the effect itself: it does not grow with the number of rows,
    /// and is about 0, or less, where nothing changed; 2 at most.
    pub test: TestResult,
    /// The bandwidth of the kernel.
    pub bandwidth: f64,
}

/// The kernel two-sample test (Gretton et al. 2012, "A kernel two-sample test"). With the Gaussian kernel
/// `k(x, y) = exp(-|x - y|² / (2 σ²))` the statistic is the unbiased estimate of MMD² (lemma 6),
///
/// `Σ_{i≠j} k(x_i, x_j) / (n (n-1)) + Σ_{i≠j} k(y_i, y_j) / (m (m-1)) - 2 Σ k(x_i, y_j) / (n m)`,
///
/// and the probability is by permutations, `(b + 1) / (m + 1)`: exact at any size, as the bandwidth is
/// a function of all rows, whichever sample they are in. Any difference of two distributions is found
/// with enough rows; a shift within few columns of many, later than by other tests.
///
/// All permutations are one product of the kernel matrix, a strip of which is held at a time, with a
/// matrix that says which rows each has in the first sample. With `N` rows in both samples, `d` columns
/// and `p` permutations this takes `N² (d + p)` multiplications and `8 N (p + d + 128)` bytes.
///
/// ```
/// use mlops_drift::{multivariate::mmd, ndarray::Array2};
///
/// let reference = Array2::from_shape_fn((60, 2), |(i, j)| ((i * 7 + j * 13) % 20) as f64);
/// let current = &reference + 6.0;
/// let found = mmd::test(reference.view(), current.view(), &Default::default())?;
/// assert_eq!(found.test.p_value, 0.001);
/// # Ok::<(), mlops_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for samples of fewer than 2 rows, of different columns or none, with values
/// that are not finite or beyond 10^100; for a bandwidth that is not positive and no permutations.
/// [`Error::TooLarge`] for more than [`MmdOptions::max_rows`], where
/// [`random_features`](super::random_features) have no such limit, and for more than 2^27 rows times permutations.
pub fn test(
    reference: ArrayView2<'_, f64>,
    current: ArrayView2<'_, f64>,
    options: &MmdOptions,
) -> Result<Mmd> {
    let total = reference.nrows().saturating_add(current.nrows());
    if total > options.max_rows {
        return Err(Error::TooLarge {
            what: "kernel matrix (rows; random features take any number)",
            actual: total as u64,
            limit: options.max_rows as u64,
        });
    }
    let mut pooled = rows::pool(reference, current, 2)?;
    let bandwidth = options.bandwidth.of(pooled.view(), options.permutation.seed)?;
    // Distances do not change with the origin, rounding does; and `|x - y|²` of these is the exponent.
    pooled -= &rows::medians(pooled.view());
    pooled /= bandwidth * std::f64::consts::SQRT_2;

    let members = membership::matrix(reference.nrows(), total, options.permutation)?;
    let sums = KernelSums::of(pooled.view(), members.view());
    let statistics = sums.unbiased(reference.nrows() as f64, current.nrows() as f64, &members);
    // Sums of numbers up to 1 that are told apart by no more than their rounding are the same.
    let p_value = membership::p_value(&statistics, 1e-12);
    Ok(Mmd { test: TestResult { statistic: statistics[0], p_value }, bandwidth })
}

/// Sums over the kernel matrix, without its diagonal.
struct KernelSums {
    /// Of each row of it.
    rows: Vec<f64>,
    /// For each column of memberships, over the pairs within the first sample, each counted once.
    within: Vec<f64>,
}

impl KernelSums {
    fn of(rows: ArrayView2<'_, f64>, members: ArrayView2<'_, f64>) -> Self {
        /// Rows in a strip of the kernel matrix: enough for a product to be worth its preparation.
        const STRIP: usize = 128;

        let (total, columns) = members.dim();
        let squares = rows::squares(rows);
        let mut sums = Self { rows: vec![0.0; total], within: vec![0.0; columns] };
        let mut strip = Array2::zeros((STRIP.min(total), total));
        let mut product = Array2::zeros((STRIP.min(total), columns));
        for start in (0..total).step_by(STRIP) {
            let end = (start + STRIP).min(total);
            // The matrix is symmetric: what is left of the diagonal has been seen from above.
            let mut kernel = strip.slice_mut(s![..end - start, ..total - start]);
            let below = rows.slice(s![start.., ..]);
            general_mat_mul(2.0, &rows.slice(s![start..end, ..]), &below.t(), 0.0, &mut kernel);
            for (i, mut row) in kernel.rows_mut().into_iter().enumerate() {
                let row = row.as_slice_mut().expect("rows of a strip are contiguous");
                row[..=i].fill(0.0);
                let square = squares[start + i];
                let mut sum = 0.0;
                let others = squares[start + i + 1..].iter().zip(&mut sums.rows[start + i + 1..]);
                for (value, (other, other_sum)) in row[i + 1..].iter_mut().zip(others) {
                    *value = (*value - square - other).min(0.0).exp();
                    sum += *value;
                    *other_sum += *value;
                }
                sums.rows[start + i] += sum;
            }
            let mut product = product.slice_mut(s![..end - start, ..]);
            general_mat_mul(1.0, &kernel, &members.slice(s![start.., ..]), 0.0, &mut product);
            for (product, member) in
                product.rows().into_iter().zip(members.slice(s![start..end, ..]).rows())
            {
                for ((within, product), member) in sums.within.iter_mut().zip(product).zip(member) {
                    *within += product * member;
                }
            }
        }
        sums
    }

    /// The unbiased MMD² of each column of memberships.
    fn unbiased(&self, first: f64, second: f64, members: &Array2<f64>) -> Vec<f64> {
        let all: f64 = self.rows.iter().sum();
        // With any other row, of the rows in the first sample.
        let of_first = ArrayView1::from(&self.rows).dot(members);
        let statistic = |(within, of_first): (&f64, &f64)| {
            let xx = 2.0 * within;
            let xy = of_first - xx;
            let yy = all - xx - 2.0 * xy;
            xx / (first * (first - 1.0)) + yy / (second * (second - 1.0))
                - 2.0 * xy / (first * second)
        };
        self.within.iter().zip(&of_first).map(statistic).collect()
    }
}

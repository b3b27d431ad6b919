//! [`SequentialTest`]: a test that may be looked at any time.

use mlops_core::{Error, Result, stats::special::ln_gamma};

/// Cells that are told apart; what is counted more finely is joined.
const MAX_GROUPS: usize = 16;
/// How probable it may be that the reference's own shares are outside of their confidence set.
const REFERENCE_ERROR: f64 = 1e-6;
/// How many rows the reference's shares are worth in the three priors of what they may have become: large,
/// middling and small changes.
const PRIOR_ROWS: [f64; 3] = [16.0, 128.0, 1024.0];

/// An anytime-valid test that rows keep falling into cells with the probabilities of a reference *sample*.
///
/// A test of a window answers once. Asked again and again while rows come in, it calls each stationary
/// stream different in the end. This one may be asked after every row, for ever: the probability that its
/// p-value *ever* falls to `α` or below is at most `α` if nothing has changed. The price is power: it
/// needs several times the rows of a test of one look.
///
/// # Definition
/// Of the reference's rows `c_i` fell into cell `i`, in all `N`; of those since the start `x_i`, in all `n`.
/// `DM(x) = Γ(A) / Γ(A + n) Π Γ(a_i + x_i) / Γ(a_i)`, `A = Σ a_i`, is the probability of the rows in their
/// order if their shares are drawn from a Dirichlet distribution. The e-value is
///
/// `E = DM(x) / max { Π p_i^{x_i} : p ∈ C }`, `C = { p : Σ c_i ln(c_i / (N p_i)) ≤ r }`,
///
/// with `a_i` proportional to the reference's shares; `DM` is the mean of three, of 16, 128 and 1024 rows.
/// The radius `r` is where `e^{-r} (e r / (K - 1))^{K - 1} = δ = 10⁻⁶`, for `K` cells. The p-value is the least
/// of `δ + 1/E` so far, at most 1.
///
/// # Why it is valid
/// 1. The shares `p` that the reference was drawn with are outside of `C` with probability at most `δ`,
///    whatever they are and however few rows there are (Agrawal 2020, "Finite-sample concentration of the
///    multinomial in relative entropy", theorem 1.2).
/// 2. Given the reference, on which the prior may therefore depend, `DM(x) / Π p_i^{x_i}` is a martingale in
///    `n` that begins at 1.
/// 3. If `p ∈ C`, `E` is never larger than it, so by Ville's inequality `E` ever reaches `1/ε` with
///    probability at most `ε` (Ramdas et al. 2023, "Game-theoretic statistics and safe anytime-valid
///    inference", section 3).
/// 4. `δ + 1/E ≤ α` at any time means `E ≥ 1/(α - δ)`: by 1 and 3 that has probability at most
///    `δ + (α - δ) = α`.
/// 5. The maximum is bounded from above by its Lagrange dual, `min over μ ≥ 0 of max over p of
///    Σ (x_i + μ c_i) ln p_i - μ (Σ c_i ln(c_i / N) - r)`, where `p_i ∝ x_i + μ c_i`: whichever `μ` the search
///    ends with, `E` is not too large.
///
/// # Cells
/// Bins are joined with their neighbours into at most 16 groups of about equally many rows of the
/// reference; of categories the 15 most frequent ones are kept and the others joined. As that is a choice
/// among many by the same rows, `δ` is divided by the number of such choices. Rows without a value are a
/// cell of their own.
///
/// ```
/// use mlops_drift::stats::counts::SequentialTest;
///
/// # fn main() -> mlops_core::Result<()> {
/// let mut test = SequentialTest::of_categories(&[5000, 3000, 2000], 0, 3)?;
/// assert_eq!(test.update(&[50, 30, 20], 0)?, 1.0);
/// assert!(test.update(&[250, 230, 320], 0)? < 0.001);
/// // What was found stays found.
/// assert!(test.update(&[5250, 3230, 2320], 0)? < 0.001);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SequentialTest {
    /// The group of each cell; the last group are rows without a value.
    group_of: Box<[usize]>,
    /// The reference's rows in each group: `c`.
    reference: Box<[f64]>,
    /// The least `Σ c_i ln p_i` in `C`.
    bound: f64,
    p_value: f64,
    rows: u64,
}

impl SequentialTest {
    /// A test of bins in order: of the reference's rows in each, and how many have no value.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the reference has no rows.
    pub fn of_bins(reference: &[u64], missing: u64) -> Result<Self> {
        let total: u128 = reference.iter().map(|rows| u128::from(*rows)).sum();
        let mut below = 0_u128;
        let groups = reference.iter().map(|rows| {
            // A bin belongs to the group that its middle falls to.
            let middle = 2 * below + u128::from(*rows);
            below += u128::from(*rows);
            let group = middle * MAX_GROUPS as u128 / (2 * total).max(1);
            (group as usize).min(MAX_GROUPS - 1)
        });
        Self::new(groups.collect(), reference, missing, 0.0)
    }

    /// A test of categories: of the reference's rows of each and, in the last cell, of all others, and how
    /// many rows have no value. `distinct` is about how many categories the reference has, those among
    /// the others included.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the reference has no rows.
    pub fn of_categories(reference: &[u64], missing: u64, distinct: u64) -> Result<Self> {
        let mut order: Vec<usize> = (0..reference.len()).collect();
        order.sort_by_key(|cell| std::cmp::Reverse(reference[*cell]));
        let mut groups = vec![MAX_GROUPS - 1; reference.len()];
        for (group, cell) in order.iter().take(MAX_GROUPS - 1).enumerate() {
            groups[*cell] = group;
        }
        let kept = (MAX_GROUPS - 1) as f64;
        let choices = distinct.max(reference.len() as u64) as f64;
        let choices = if choices > kept + 1.0 {
            ln_gamma(choices + 1.0) - ln_gamma(kept + 1.0) - ln_gamma(choices - kept + 1.0)
        } else {
            0.0
        };
        Self::new(groups, reference, missing, choices)
    }

    fn new(
        mut group_of: Vec<usize>,
        reference: &[u64],
        missing: u64,
        ln_choices: f64,
    ) -> Result<Self> {
        // Groups that no cell is in are left out.
        let mut used: Vec<usize> = group_of.clone();
        used.sort_unstable();
        used.dedup();
        for group in &mut group_of {
            *group = used.partition_point(|other| *other < *group);
        }
        let mut test = Self {
            group_of: group_of.into(),
            reference: vec![0.0; used.len() + 1].into(),
            bound: 0.0,
            p_value: 1.0,
            rows: 0,
        };
        let grouped = test.grouped(reference, missing);
        test.reference = grouped.into();
        if total(&test.reference) == 0.0 {
            return Err(Error::invalid("reference counts", "no rows in any cell"));
        }
        let all = total(&test.reference);
        let most: f64 = test.reference.iter().map(|count| times_ln(*count, count / all)).sum();
        test.bound = most - radius(test.reference.len(), REFERENCE_ERROR.ln() - ln_choices);
        Ok(test)
    }

    /// Takes the counts of all rows since the start, as many cells as the reference has, and those
    /// without a value; returns the [p-value](Self::p_value).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another number of cells, or fewer rows than last time.
    pub fn update(&mut self, current: &[u64], missing: u64) -> Result<f64> {
        if current.len() != self.group_of.len() {
            let reason = format!(
                "{} cells, where the reference counts have {}",
                current.len(),
                self.group_of.len()
            );
            return Err(Error::invalid("current counts", reason));
        }
        let rows = current.iter().fold(missing, |sum, rows| sum.saturating_add(*rows));
        if rows < self.rows {
            let reason = format!("{rows} rows since the start, and there were {}", self.rows);
            return Err(Error::invalid("current counts", reason));
        }
        self.rows = rows;
        let e_value = self.ln_e_value(&self.grouped(current, missing));
        self.p_value = self.p_value.min(REFERENCE_ERROR + (-e_value).exp());
        Ok(self.p_value)
    }

    /// The least p-value so far: it is at most `α` at any time, ever, with probability at most `α` if nothing
    /// has changed. 1 before the first rows.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        self.p_value
    }

    /// Rows since the start, as of the last update.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Begins anew: counts start from 0 again.
    pub fn reset(&mut self) {
        self.p_value = 1.0;
        self.rows = 0;
    }

    fn grouped(&self, counts: &[u64], missing: u64) -> Vec<f64> {
        let mut grouped = vec![0.0; self.reference.len()];
        for (group, rows) in self.group_of.iter().zip(counts) {
            grouped[*group] += *rows as f64;
        }
        if let Some(last) = grouped.last_mut() {
            *last = missing as f64;
        }
        grouped
    }

    /// The logarithm of `E`.
    fn ln_e_value(&self, current: &[f64]) -> f64 {
        let cells = current.len() as f64;
        let reference = total(&self.reference) + 0.5 * cells;
        let marginals = PRIOR_ROWS.map(|rows| {
            let prior = self.reference.iter().map(|count| rows * (count + 0.5) / reference);
            ln_marginal(current, &prior.collect::<Vec<_>>())
        });
        let largest = marginals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean =
            marginals.iter().map(|ln| (ln - largest).exp()).sum::<f64>() / PRIOR_ROWS.len() as f64;
        largest + mean.ln() - self.ln_largest_likelihood(current)
    }

    /// At least the logarithm of the largest probability that shares in `C` give to the rows.
    fn ln_largest_likelihood(&self, current: &[f64]) -> f64 {
        let rows = total(current);
        if rows == 0.0 {
            return 0.0;
        }
        // How probable the shares of this `μ` make the reference: it grows with `μ`, up to the reference's own.
        let reference_at = |mu: f64| {
            let all = rows + mu * total(&self.reference);
            let cells = current.iter().zip(&self.reference);
            cells.map(|(x, c)| times_ln(*c, (x + mu * c) / all)).sum::<f64>()
        };
        let scale = (rows / total(&self.reference)).ln();
        // Beyond these ends the shares are those of one side, to the last digit.
        let (mut low, mut high) = (scale - 40.0, scale + 40.0);
        for _ in 0..50 {
            let middle = low + (high - low) / 2.0;
            if reference_at(middle.exp()) < self.bound {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mu = high.exp();
        let all = rows + mu * total(&self.reference);
        let cells = current.iter().zip(&self.reference);
        let dual = cells.map(|(x, c)| times_ln(x + mu * c, (x + mu * c) / all)).sum::<f64>();
        (dual - mu * self.bound).min(0.0)
    }
}

/// The `r` at which `e^{-r} (e r / (K - 1))^{K - 1}` has this logarithm, rounded up.
fn radius(cells: usize, ln_error: f64) -> f64 {
    let free = cells.saturating_sub(1).max(1) as f64;
    let ln_bound = |r: f64| free * (1.0 + (r / free).ln()) - r;
    // The bound is 1 at `r = K - 1` and falls from there on; it is below the error at the other end.
    let (mut low, mut high) = (free, 4.0 * (free - ln_error));
    for _ in 0..100 {
        let middle = low + (high - low) / 2.0;
        if ln_bound(middle) > ln_error {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// `ln DM(x)`.
fn ln_marginal(counts: &[f64], prior: &[f64]) -> f64 {
    let (rows, all) = (total(counts), total(prior));
    let cells = counts.iter().zip(prior);
    let cells = cells.map(|(count, prior)| ln_gamma(prior + count) - ln_gamma(*prior));
    ln_gamma(all) - ln_gamma(all + rows) + cells.sum::<f64>()
}

/// `count ln share`, which is 0 for no rows, whatever the share.
fn times_ln(count: f64, share: f64) -> f64 {
    if count == 0.0 { 0.0 } else { count * share.ln() }
}

fn total(counts: &[f64]) -> f64 {
    counts.iter().sum()
}

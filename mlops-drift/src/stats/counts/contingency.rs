//! [`Table`]: what every function of counts computes with; and how sparse cells are joined.

use mlops_core::{
    Error, Result,
    stats::{Alternative, chi_square as distribution, proportion::fisher_exact_test},
};
use serde::{Deserialize, Serialize};

/// How [`chi_square`](super::chi_square) and [`g_test`](super::g_test) treat a table.
///
/// ```
/// use mlops_drift::stats::counts::{ContingencyOptions, SparseCells, chi_square};
///
/// # fn main() -> mlops_core::Result<()> {
/// let bins = ContingencyOptions::default().with_sparse_cells(SparseCells::JoinNeighbours);
/// let same = chi_square(&[100, 210, 95, 1], &[52, 97, 51, 0], &bins)?;
/// assert!(same.p_value > 0.5);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ContingencyOptions {
    /// What is done about cells that are expected to hold few rows.
    pub sparse_cells: SparseCells,
    /// How the statistic is brought closer to the distribution that it is compared with.
    pub correction: Correction,
}

impl ContingencyOptions {
    /// What `scipy.stats.chi2_contingency` does by default: each cell as it is, and Yates' correction.
    #[must_use]
    pub fn scipy() -> Self {
        Self { sparse_cells: SparseCells::Keep, correction: Correction::Yates }
    }

    /// With this treatment of sparse cells.
    #[must_use]
    pub fn with_sparse_cells(mut self, sparse_cells: SparseCells) -> Self {
        self.sparse_cells = sparse_cells;
        self
    }

    /// With this correction.
    #[must_use]
    pub fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }
}

/// What is done about cells in which fewer than five rows of either sample are expected; fewer than ten, where
/// logarithms of counts are taken ([`g_test`](super::g_test), [`psi`](super::psi)).
///
/// They are joined with one another, in the order given here, until each group expects so many of both
/// samples; what is left over joins the last group. They never join a cell that has enough rows by itself,
/// where a change would drown. If all of them together are too few, they are a cell that is tested
/// apart, by Fisher's exact test: the p-value is then twice the smaller one of that test and of the test
/// of the other cells (Bonferroni). If every cell is sparse, and they make a single group, they are
/// divided in two as evenly as they can be.
///
/// What is expected of a cell is taken from the sums over both samples: given these, the hypothesis
/// of no difference says how the rows of a cell divide, so joining does not favour either answer. Bins at
/// quantiles of the reference are the exception, because there the reference's rows are not left to chance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SparseCells {
    /// Cells are categories: joined from the most to the least frequent.
    #[default]
    JoinCategories,
    /// Cells are bins in order: neighbours are joined.
    JoinNeighbours,
    /// Cells are bins whose edges are quantiles of this very reference, as those of a
    /// `mlops_drift::profile::Profile` are: neighbours are joined, by the reference's rows alone, until a group has
    /// 30 of these, and ten rows of the current sample are expected in it.
    JoinQuantiles,
    /// Each cell is kept as it is. With many cells of few rows p-values are then wrong.
    Keep,
}

/// How the statistic of a table is corrected for small counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// What suits the test: Yates' for chi-square, Williams' for G.
    #[default]
    Recommended,
    /// Each count is moved towards what is expected by one half, or less if it is closer, where there
    /// is one degree of freedom (Yates 1934). Nothing else is corrected.
    Yates,
    /// None.
    None,
}

/// Rows expected in a cell of either sample, from which on the chi-square distribution serves.
pub(super) const MIN_EXPECTED: f64 = 5.0;

/// The same for statistics that take logarithms of counts: that of a small one varies by more than the
/// distribution lets it, and twice as many rows are needed.
pub(super) const MIN_EXPECTED_OF_LOGARITHMS: f64 = 10.0;

/// Rows of the reference between two of its quantiles, from which on the chi-square distribution serves.
/// The reference has a fixed number of them there, and the current sample a negative binomial one, whose
/// tail is longer. Found by simulation: see the rates in `tests/profile/false_alarms.rs`.
const MIN_OF_QUANTILE: f64 = 30.0;

/// The counts of two samples over cells that are not empty in both.
///
/// Counts are kept as `f64`, which is exact up to 2^53.
#[derive(Debug)]
pub(super) struct Table {
    /// Of the reference and of the current sample.
    pub(super) cells: Vec<[f64; 2]>,
    /// Rows of the reference: `n`, at least one.
    pub(super) reference: f64,
    /// Rows of the current sample: `m`, at least one.
    pub(super) current: f64,
    /// True if the last cell is all sparse cells, which are too few even together.
    rest: bool,
}

impl Table {
    pub(super) fn new(reference: &[u64], current: &[u64]) -> Result<Self> {
        if reference.len() != current.len() {
            let reason = format!(
                "{} cells, where the reference counts have {}",
                current.len(),
                reference.len()
            );
            return Err(Error::invalid("current counts", reason));
        }
        let total = |what, counts: &[u64]| {
            // Cannot overflow: no slice has 2^64 elements.
            let sum: u128 = counts.iter().map(|count| u128::from(*count)).sum();
            if sum == 0 {
                let reason = format!("no rows in any of {} cells", counts.len());
                return Err(Error::invalid(what, reason));
            }
            Ok(sum as f64)
        };
        Ok(Self {
            reference: total("reference counts", reference)?,
            current: total("current counts", current)?,
            cells: reference
                .iter()
                .zip(current)
                .filter(|(x, y)| (**x, **y) != (0, 0))
                .map(|(x, y)| [*x as f64, *y as f64])
                .collect(),
            rest: false,
        })
    }

    /// Rows of both samples.
    pub(super) fn total(&self) -> f64 {
        self.reference + self.current
    }

    /// The share that each cell has of the reference and of the current sample.
    pub(super) fn shares(&self) -> impl Iterator<Item = [f64; 2]> {
        self.cells.iter().map(|[x, y]| [x / self.reference, y / self.current])
    }

    /// `1/n + 1/m`: the variance of a difference of shares is this times `p(1 - p)`.
    pub(super) fn sampling_variance(&self) -> f64 {
        self.reference.recip() + self.current.recip()
    }

    /// `K - 1`: what is free to vary, given the sums over cells and over samples.
    pub(super) fn degrees_of_freedom(&self) -> f64 {
        (self.cells.len() - 1) as f64
    }

    /// How probable a statistic at least as extreme is if the samples do not differ. There are at least two
    /// cells.
    pub(super) fn p_value(&self, statistic: impl Fn(&Self) -> f64) -> Result<f64> {
        let asymptotic =
            |table: &Self| distribution::sf(statistic(table), table.degrees_of_freedom());
        // Beyond 2^53 rows no two cells are sparse that matter, and counts are not whole.
        if !self.rest || self.total() >= (1_u64 << 53) as f64 {
            return Ok(asymptotic(self));
        }
        let (others, last) = self.cells.split_at(self.cells.len() - 1);
        let [x, y] = last[0];
        let others = Self {
            cells: others.to_vec(),
            reference: self.reference - x,
            current: self.current - y,
            rest: false,
        };
        let table = [[x, y], [others.reference, others.current]];
        let table = table.map(|cell| cell.map(|count| count as u64));
        let exact = fisher_exact_test(table, Alternative::TwoSided)?.p_value;
        if others.cells.len() < 2 {
            return Ok(exact);
        }
        // Where either sample is in the rest as a whole, the others have nothing to compare.
        let compare = others.reference > 0.0 && others.current > 0.0;
        let apart = if compare { asymptotic(&others) } else { 1.0 };
        Ok((2.0 * exact.min(apart)).min(1.0))
    }

    /// The same rows in fewer cells.
    pub(super) fn joined(self, sparse: SparseCells) -> Self {
        self.joined_to(MIN_EXPECTED, sparse)
    }

    /// The same rows in fewer cells, of so many expected rows.
    pub(super) fn joined_to(mut self, min_expected: f64, sparse: SparseCells) -> Self {
        match sparse {
            SparseCells::Keep => return self,
            SparseCells::JoinNeighbours | SparseCells::JoinQuantiles => {}
            SparseCells::JoinCategories => {
                self.cells.sort_by(|[a, b], [c, d]| (c + d).total_cmp(&(a + b)));
            }
        }
        let enough = |[x, y]: [f64; 2]| match sparse {
            SparseCells::JoinQuantiles => {
                x >= MIN_OF_QUANTILE && x / self.reference * self.current >= 2.0 * min_expected
            }
            _ => (x + y) * (self.reference.min(self.current) / self.total()) >= min_expected,
        };
        let (mut cells, sparse_cells): (Vec<_>, Vec<_>) =
            self.cells.iter().partition(|cell| enough(**cell));
        let rich = cells.len();
        let mut open = [0.0; 2];
        for cell in &sparse_cells {
            open = sum(open, *cell);
            if enough(open) {
                cells.push(open);
                open = [0.0; 2];
            }
        }
        let left_over = open != [0.0; 2];
        if left_over && cells.len() > rich {
            let last = cells.len() - 1;
            cells[last] = sum(cells[last], open);
        } else if left_over {
            cells.push(open);
            self.rest = rich > 0;
        }
        if cells.len() == 1 && sparse_cells.len() > 1 {
            cells = self.halves();
            self.rest = true;
        }
        self.cells = cells;
        self
    }

    /// The cells divided in two, as near to the middle of all rows as a boundary is.
    fn halves(&self) -> Vec<[f64; 2]> {
        let mut before = [0.0; 2];
        let mut best = (f64::INFINITY, before);
        for cell in &self.cells[..self.cells.len() - 1] {
            before = sum(before, *cell);
            let off = ((before[0] + before[1]) - self.total() / 2.0).abs();
            if off < best.0 {
                best = (off, before);
            }
        }
        let [x, y] = best.1;
        vec![best.1, [self.reference - x, self.current - y]]
    }
}

fn sum([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
    [a + c, b + d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(reference: &[u64], current: &[u64], sparse: SparseCells) -> Vec<[f64; 2]> {
        Table::new(reference, current).unwrap().joined(sparse).cells
    }

    #[test]
    fn bad_input_is_refused_by_name() {
        for (reference, current, expected) in [
            (
                &[1, 2][..],
                &[1, 2, 3][..],
                "invalid current counts: 3 cells, where the reference counts have 2",
            ),
            (&[], &[], "invalid reference counts: no rows in any of 0 cells"),
            (&[0, 0], &[1, 0], "invalid reference counts: no rows in any of 2 cells"),
            (&[0, 1], &[0, 0], "invalid current counts: no rows in any of 2 cells"),
        ] {
            let error = Table::new(reference, current).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn counts_beyond_any_sample_do_not_overflow() {
        let table = Table::new(&[u64::MAX; 3], &[u64::MAX, 1, 0]).unwrap();
        assert_eq!(table.reference, 3.0 * u64::MAX as f64);
    }

    #[test]
    fn rich_tables_are_left_alone() {
        for sparse in [SparseCells::Keep, SparseCells::JoinCategories, SparseCells::JoinNeighbours]
        {
            let rich = cells(&[10, 5, 0], &[10, 5, 0], sparse);
            assert_eq!(rich, [[10.0, 10.0], [5.0, 5.0]], "{sparse:?}");
        }
    }

    #[test]
    fn categories_are_joined_from_the_most_frequent_on() {
        // Half of the rows are current: a group needs ten.
        let joined = cells(&[1, 20, 3, 4, 0, 1], &[2, 20, 3, 3, 0, 1], SparseCells::JoinCategories);
        assert_eq!(joined, [[20.0, 20.0], [9.0, 9.0]]);
    }

    #[test]
    fn neighbours_are_joined_in_order() {
        let joined = cells(&[1, 20, 3, 4, 1, 4], &[2, 20, 3, 4, 2, 5], SparseCells::JoinNeighbours);
        // What has enough comes first; what is left over joins the last group.
        assert_eq!(joined, [[20.0, 20.0], [8.0, 9.0], [5.0, 7.0]]);
    }

    #[test]
    fn quantiles_are_joined_by_the_reference_alone() {
        // Thirty rows of the reference, and half as many current ones expected.
        let joined =
            cells(&[0, 20, 20, 20, 20, 0], &[9, 0, 1, 17, 13, 0], SparseCells::JoinQuantiles);
        assert_eq!(joined, [[40.0, 10.0], [40.0, 30.0]]);
        // Ten are expected of a hundred, if one in ten is current.
        let joined = cells(&[60; 10], &[6; 10], SparseCells::JoinQuantiles);
        assert_eq!(joined, [[120.0, 12.0]; 5]);
    }

    #[test]
    fn a_new_cell_stays_apart() {
        // Rows of something new, of which hardly any were expected: not to be taken for the category or
        // the bin beside them.
        for sparse in [SparseCells::JoinCategories, SparseCells::JoinQuantiles] {
            let joined = Table::new(&[5000, 5000, 0], &[50, 0, 50]).unwrap().joined(sparse);
            assert_eq!(joined.cells, [[5000.0, 50.0], [5000.0, 0.0], [0.0, 50.0]], "{sparse:?}");
            assert!(joined.rest);
        }
        // A handful of rows.
        let joined = Table::new(&[900, 100, 0], &[0, 0, 4]).unwrap();
        let joined = joined.joined(SparseCells::JoinCategories);
        assert_eq!(joined.cells, [[900.0, 0.0], [100.0, 4.0]]);
        assert!(joined.rest);
    }

    proptest! {
        #[test]
        fn joining_keeps_every_row_and_at_least_two_cells(
            pairs in prop::collection::vec((0_u64..40, 0_u64..40), 1..60),
            sparse in prop::sample::select(vec![
                SparseCells::JoinCategories,
                SparseCells::JoinNeighbours,
                SparseCells::JoinQuantiles,
            ]),
        ) {
            let (mut x, mut y): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
            x[0] += 1;
            y[0] += 1;
            let before = Table::new(&x, &y).unwrap();
            let distinct = before.cells.len();
            let after = Table::new(&x, &y).unwrap().joined(sparse);
            let rows = |i: usize| after.cells.iter().map(|cell| cell[i]).sum::<f64>();
            prop_assert_eq!((rows(0), rows(1)), (before.reference, before.current));
            prop_assert_eq!(after.cells.len() >= 2, distinct >= 2);
            prop_assert!(after.cells.len() <= distinct);
        }
    }
}

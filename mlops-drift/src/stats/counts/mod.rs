//! Tests and distances of two samples that were counted into the same cells.
//!
//! A cell is a category or a bin; `reference[i]` and `current[i]` are how many rows of either sample
//! fell into cell `i`. Nothing else is known of the samples, so each answer costs as much as there are
//! cells, however many rows were counted.
//!
//! In the formulas `x_i` and `y_i` are the counts, `n` and `m` their sums, `p_i = x_i / n` and
//! `q_i = y_i / m` the shares, and `K` is the number of cells that at least one sample has rows in. Cells
//! that are empty in both are left out by every function: they say nothing. A cell that only one sample
//! has is an ordinary one.
//!
//! # Errors
//! Every function here gives [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument), naming the
//! sample, for slices of different lengths and for a sample without rows.
//!
//! # Small counts
//! The chi-square distribution describes a statistic of counts well where each cell is expected to hold
//! at least five rows of either sample (Cochran 1954, "Some methods for strengthening the common χ²
//! tests"). [`SparseCells`] says what is done about those that do not.

mod chi_square;
mod contingency;
mod cramers_v;
mod g_test;
mod hellinger;
mod jensen_shannon;
mod kl;
mod ks_bins;
mod psi;
mod sequential;
mod total_variation;
mod wasserstein;

pub use self::{
    chi_square::chi_square,
    contingency::{ContingencyOptions, Correction, SparseCells},
    cramers_v::{balanced_cramers_v, cramers_v},
    g_test::g_test,
    hellinger::hellinger,
    jensen_shannon::{JensenShannonOptions, LogBase, jensen_shannon},
    kl::{KlOptions, kl_divergence},
    ks_bins::{KsBounds, ks_bounds, ks_test},
    psi::{Psi, PsiOptions, psi},
    sequential::SequentialTest,
    total_variation::{largest_difference, total_variation},
    wasserstein::{BinSums, wasserstein_bins},
};

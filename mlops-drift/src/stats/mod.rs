//! Two-sample statistics: does the current data come from the distribution of the reference?
//!
//! Tests and distances of values take two [`Sample`]s, each checked and sorted once, the reference
//! first. A [`TestResult`](mlops_core::stats::TestResult) has the statistic and the probability of one
//! at least as extreme if nothing changed; a distance has no probability, but does not grow with the
//! number of values either.
//!
//! | finds | test | distance |
//! | --- | --- | --- |
//! | any difference, most in the middle | [`ks`], [`cramer_von_mises`] | [`wasserstein`], [`energy`] |
//! | any difference, also in the tails | [`kuiper`], [`anderson_darling`], [`epps_singleton`] | |
//! | a shift | [`mann_whitney`], [`brunner_munzel`] (also when spreads differ) | |
//! | whatever a statistic of your own measures | [`permutation`] | |
//!
//! What needs no more than counts in cells, of categories or of bins, is in [`counts`].

pub mod anderson_darling;
pub mod brunner_munzel;
pub mod counts;
pub mod cramer_von_mises;
mod ecdf;
pub mod energy;
pub mod epps_singleton;
pub mod kolmogorov;
pub mod ks;
pub mod kuiper;
pub mod mann_whitney;
pub mod permutation;
mod sample;
pub mod smirnov;
pub mod t_test;
pub mod wasserstein;

pub use self::sample::Sample;
pub(crate) use self::sample::{sorted, sum};

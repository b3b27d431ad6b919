//! Statistics that more than one of the crates needs: special functions with accurate tails, tests of
//! means and proportions, corrections for many tests, and sequences of intervals that may be looked at
//! at any time.
//!
//! | module | has |
//! | --- | --- |
//! | [`special`] | incomplete gamma and beta functions, Stirling's error, binomial coefficients |
//! | [`normal`], [`student_t`], [`chi_square`], [`binomial`], [`hypergeometric`] | distributions |
//! | [`mean`] | summaries that merge; t, Welch and z tests |
//! | [`proportion`] | z test, Fisher's exact test, intervals |
//! | [`correction`] | p-values of many tests at once |
//! | [`online_fdr`] | p-values that keep coming |
//! | [`confidence_sequence`] | intervals and tests for continuous looking |
//!
//! A function that takes a sample refuses one that has no answer (too small, not finite) with
//! [`Error::InvalidArgument`](crate::Error::InvalidArgument); what it returns is never NaN.

pub mod binomial;
pub mod chi_square;
pub mod confidence_sequence;
pub mod correction;
pub mod hypergeometric;
mod interval;
pub mod mean;
pub mod normal;
pub mod online_fdr;
pub mod proportion;
mod quantile;
mod result;
pub mod special;
pub mod student_t;

pub use self::{
    interval::Interval,
    result::{Alternative, TestResult},
};

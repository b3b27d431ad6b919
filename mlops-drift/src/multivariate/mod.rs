//! Tests of whole rows and of embeddings: has what columns have in common changed?
//!
//! A sample is a matrix, an [`ArrayView2<f64>`](ndarray::ArrayView2) of rows × columns; a reference and a current
//! one have the same columns. Tests of one column at a time, in [`stats`](crate::stats), are blind to a change of
//! correlation; these are not.
//!
//! | finds | module | probability | live memory |
//! | --- | --- | --- | --- |
//! | any difference | [`mmd`], maximum mean discrepancy | permutations, exact | rows |
//! | any difference | [`random_features`], the same by a projection | in the limit | one vector of sums |
//! | any difference | [`lsdd`], distance of densities | permutations, exact | rows |
//! | a shift, or of squares and products too; and in which columns | [`domain_classifier`] | of ranks | rows |
//! | a change of correlation | [`pca`], reconstruction error | of ranks | rows |
//! | a shift of the mean of an embedding | [`embedding`], Mahalanobis and cosine | in the limit, by simulation | one mean |
//!
//! Distances of rows add up what columns have in their own units: bring columns of different units to
//! one scale first, with a [`Standardizer`] of the reference. LSDD, the classifier and principal components do so
//! themselves.
//!
//! Values are finite and at most 10^100 in size, so that squares are numbers too.

#![expect(clippy::needless_pass_by_value, reason = "a view is passed by value, as a slice is")]

mod bandwidth;
mod cholesky;
mod cosine_null;
pub mod domain_classifier;
mod eigen;
pub mod embedding;
mod logistic;
pub mod lsdd;
mod mean_shift;
mod membership;
pub mod mmd;
mod moments;
pub mod pca;
pub mod random_features;
mod row_mean;
mod rows;
mod standardizer;

pub use self::{
    bandwidth::{Bandwidth, median_distance},
    moments::{Moments, ShrunkCovariance},
    row_mean::RowMean,
    standardizer::Standardizer,
};

//! The reference profile: what is kept of the data that a model was made with, and what live data is
//! counted into.
//!
//! A [`Profile`] has one [`FeatureProfile`] for each feature. Of a number it keeps [`Edges`], quantiles of
//! the reference, and how many values fall between them, with sums that give exact means; of a
//! category, counts of the most frequent ones and an estimate of how many there are. What is missing,
//! not finite, out of range or never seen before is counted, not dropped.
//!
//! Edges and categories are frozen when a profile is fitted. [`Profile::empty_like`] starts one with the
//! same for other data: a window of live traffic, a replica, a chunk. Any two of these
//! [merge](Profile::merge) by adding counts, in any order and grouping, and whatever
//! [`stats::counts`](crate::stats::counts) computes of them is exact on the counts. No random sketch is
//! in the way of a verdict: the error of a sketch does not fall with the sample, a test's tolerance does.

mod categorical;
mod categories;
mod edges;
mod feature;
mod file;
mod hyperloglog;
mod numeric;
#[expect(clippy::module_inception, reason = "the folder's main type is in the file of its name")]
mod profile;
mod quantile;

pub(crate) use self::file::{read_file, write_file};
pub use self::{
    categorical::CategoricalProfile,
    categories::Categories,
    edges::Edges,
    feature::{Column, FeatureProfile, Value},
    hyperloglog::HyperLogLog,
    numeric::NumericProfile,
    profile::{Origin, Profile, ProfileOptions},
};

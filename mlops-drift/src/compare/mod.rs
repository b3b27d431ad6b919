//! What has changed between two data sets, decided for all features together.
//!
//! A [`Comparer`] takes features one by one, as profiles or as values, and gathers [`Evidence`]: for each
//! [`Aspect`] of a feature a test and an effect. When all are there it decides. A [`Comparison`] is what it
//! found; live monitoring, data frames and reports all speak of it.
//!
//! # The rule
//! An aspect has drifted if **both** hold:
//! - its p-value, adjusted for all tests of all features, is at most [`alpha`](CompareOptions::alpha): chance
//!   does not explain the difference;
//! - its effect, which does not grow with the number of rows, reaches its threshold: the difference matters.
//!
//! The first alone calls any difference a drift once there are enough rows; the second alone, any sample
//! that is small enough. Where a difference as large as the threshold would probably go unnoticed the
//! verdict is [`Insufficient`](Verdict::Insufficient), not "no drift".
//!
//! Nulls, values that are not finite, and categories that the reference never had are aspects of their
//! own, in the same family of tests: a column that is suddenly empty has drifted, whatever is left in it.
//!
//! ```
//! use mlops_core::timestamp::Timestamp;
//! use mlops_drift::compare::{CompareOptions, Verdict, compare};
//! use mlops_drift::profile::{Column, Origin, Profile, ProfileOptions};
//!
//! # fn main() -> mlops_core::Result<()> {
//! let ages: Vec<f64> = (0..2000).map(|row| f64::from(20 + row % 50)).collect();
//! let origin = Origin::new("customers 2026-10", Timestamp::EPOCH);
//! let reference =
//!     Profile::fit(&[("age", Column::numeric(&ages))], origin, &ProfileOptions::default())?;
//!
//! let older: Vec<f64> = ages.iter().map(|age| age + 10.0).collect();
//! let mut current = reference.empty_like();
//! current.observe_columns(&[("age", Column::numeric(&older))])?;
//!
//! let comparison = compare(&reference, &current, &CompareOptions::default())?;
//! assert_eq!(comparison.verdict, Verdict::Drift);
//! assert_eq!(comparison.feature("age").map(|age| age.verdict), Some(Verdict::Drift));
//! # Ok(())
//! # }
//! ```

mod categories;
mod comparer;
mod comparison;
mod distribution;
mod evidence;
mod finding;
mod numbers;
mod options;
mod reading;
mod shape;
mod shares;
mod summary;
mod verdict;

#[cfg(feature = "polars")]
pub(crate) use self::numbers::BinnedNumbers;
pub use self::{
    categories::CategoryCounts,
    comparer::{Comparer, compare},
    comparison::{Comparison, FeatureComparison},
    evidence::{Aspect, Effect, Evidence, Measure, Method},
    numbers::Numbers,
    options::CompareOptions,
    shape::Shape,
    summary::{Distances, FeatureKind, FeatureSummary},
    verdict::Verdict,
};

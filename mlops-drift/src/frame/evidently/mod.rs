//! Data drift as Evidently 0.7.23 reports it, its choices and numbers, quirks included.
//!
//! For those who come from there and want to see the same figures before they trust others; for everything
//! else there is [`frame::compare`](super::compare()), and nothing switches from one to the other by itself.
//! What [`report`] does that is wrong, and how often it raises a false alarm or misses a drift:
//!
//! - `chisquare` takes the reference for the truth, not for a sample: with as many current rows as reference
//!   rows it alarms five times as often as its threshold says. A category that the reference does not have
//!   makes its p-value 0.
//! - `wasserstein` and `jensenshannon`, for references of more than 1000 rows, alarm above a fixed distance, however
//!   far apart chance takes samples of that size: small current data sets and columns of many categories always alarm.
//! - Nulls are dropped before anything is compared: a column that loses nearly all of its values has not drifted.
//! - An outlier stretches the standard deviation, or the equal bins, until nothing else is seen.
//! - Columns are typed by the current data alone: an integer of at most 10 different values is a category.
//!   Unsigned integers, and booleans with nulls, are not looked at.
//! - p-values are not corrected for the number of columns.

mod column;
mod histogram;
mod method;
mod options;
mod report;

pub use self::{
    column::EvidentlyType,
    method::EvidentlyMethod,
    options::EvidentlyOptions,
    report::{EvidentlyColumn, EvidentlyReport, report},
};

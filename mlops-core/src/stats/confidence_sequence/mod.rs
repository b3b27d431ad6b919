//! Intervals and tests that may be looked at after every observation.
//!
//! An ordinary 95 % interval that is computed anew each minute will miss the mean sooner or later, and an
//! ordinary test will reject: the 5 % are for one look. A confidence sequence misses with 5 % over the whole
//! of time, so whoever watches it may stop, or raise an alarm, whenever they like.
//!
//! | | for | holds |
//! | --- | --- | --- |
//! | [`EmpiricalBernstein`] | the mean of observations in `[0, 1]` | from the first observation on |
//! | [`MeanTest`] | "the mean is m", of observations in `[0, 1]` | from the first observation on |
//! | [`AsymptoticSequence`] | the mean of anything with a variance | once a first hundred or so are in |
//!
//! Each takes constant memory and time an observation, and survives a restart through serde. For the
//! first two, observations may depend on one another as long as the mean of each, given those before, is
//! the same; the last wants them independent, or nearly so.

mod asymptotic;
mod bernstein;
mod bets;
mod mean_test;

pub use self::{
    asymptotic::{AsymptoticOptions, AsymptoticSequence},
    bernstein::EmpiricalBernstein,
    mean_test::MeanTest,
};
use crate::{Error, Result};

/// Refuses what is not an observation in `[0, 1]`.
fn bounded(value: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(Error::invalid("observation", format_args!("{value} is not in [0, 1]")))
    }
}

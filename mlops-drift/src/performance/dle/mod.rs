//! Direct loss estimation: how far a regressor is off, from the features of its rows alone.

mod estimator;
mod features;
mod linear_system;
mod ridge;

use mlops_core::Result;

pub use self::{
    estimator::{Dle, DleEstimate, LossCheck},
    features::Features,
    ridge::{Ridge, RidgeOptions},
};

/// A regressor of the loss: what [`Dle`] learns how far predictions are off with. [`Ridge`] is linear; a
/// boosted forest, say, finds what is not.
///
/// # Contract
/// 1. What is fitted depends on the rows, the losses and the options alone.
/// 2. [`predict`](Self::predict) gives one finite value for each row.
/// 3. Rows with another number of columns than it was fitted to are refused.
pub trait LossModel: Sized {
    /// How it is fitted.
    type Options;

    /// Learns the mean loss of a row from its features, of as many losses as rows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) for options out of their range, and
    /// rows that it cannot be fitted to.
    fn fit(features: Features<'_>, losses: &[f64], options: &Self::Options) -> Result<Self>;

    /// The mean loss to expect of each row.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](mlops_core::Error::InvalidArgument) for rows with another number of
    /// columns.
    fn predict(&self, features: Features<'_>) -> Result<Vec<f64>>;
}

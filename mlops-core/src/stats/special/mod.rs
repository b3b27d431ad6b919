//! Special functions that keep their relative accuracy in the tails and for large parameters.
//!
//! Factors such as `x^a e^-x / Γ(a)` are never taken as the exponential of a difference of large
//! logarithms, which loses a digit for each digit of the parameter, but by the saddle-point expansion of
//! Loader (2000), "Fast and accurate computation of binomial probabilities": [`stirling_error`] and
//! [`deviance`].
//!
//! What stands where a function's argument runs (an `x` below 0, a probability above 1) is clamped to the
//! nearest end. A parameter outside its domain, and NaN, give NaN: here only, not in the tests and
//! intervals that are built on these functions.

mod beta;
mod gamma;
mod gamma_uniform;
mod stirling;

pub(in crate::stats) use self::{
    beta::{Point, beta_density_xy},
    gamma::gamma_density_x,
    stirling::{deviance_of, ln_factorial_rest},
};
pub use self::{
    beta::{beta_inc, beta_inc_complement, beta_inc_xy},
    gamma::{gamma_p, gamma_q},
    stirling::{deviance, ln_choose, ln_gamma, stirling_error},
};

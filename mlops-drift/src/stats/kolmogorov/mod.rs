//! The law of Kolmogorov's statistic `D = max |F_n(x) - F(x)|` of a sample of `n` values from the
//! continuous distribution `F`, whichever that is.

mod durbin;
mod law;
mod limit;
mod pelz_good;
mod pomeranz;

pub use self::{law::sf, limit::limit_sf};

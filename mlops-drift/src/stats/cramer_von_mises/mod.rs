//! The two-sample Cramér-von Mises test.

mod exact;
mod limit;
mod test;
mod ties;

pub use self::{
    limit::limit_sf,
    test::{CramerVonMisesMethod, CramerVonMisesOptions, CramerVonMisesTies, test},
};

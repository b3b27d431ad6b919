//! The two-sample Kolmogorov-Smirnov test.

mod exact;
mod test;

pub use self::test::{KsMethod, KsOptions, KsResult, KsSign, test};
pub(crate) use self::{exact::two_sided_sf, test::p_value};

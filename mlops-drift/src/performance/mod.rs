//! How well a model does, with labels that come late and without any.

mod cbpe;
mod estimate;
mod isotonic;
mod regression;

pub use self::{
    cbpe::{Cbpe, CbpeEstimate, ExpectedConfusion},
    estimate::Estimate,
    isotonic::Isotonic,
    regression::RegressionMetrics,
};

//! [`MockPredict`], and the suite for [`Predict`](crate::inference::Predict).

mod conformance;
mod mock;

pub use self::{
    conformance::{Subject, test_all},
    mock::MockPredict,
};

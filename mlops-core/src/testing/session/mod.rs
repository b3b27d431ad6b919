//! [`MockSession`], and the suite for [`InferenceSession`](crate::inference::InferenceSession).

mod conformance;
mod mock;

pub(super) use self::conformance::expect_invalid;
pub use self::{
    conformance::{Subject, test_all},
    mock::{MockFactory, MockLog, MockSession},
};

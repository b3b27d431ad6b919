//! Mocks, in-memory implementations, and a conformance suite for each trait that needs one.
//!
//! A suite is a list of [`Case`]s; contract line *n* in the trait's documentation is case *n*. An
//! implementor writes a [`Build`]er and one line:
//!
//! ```
//! use mlops_core::testing::{self, Build};
//! # use std::sync::Arc;
//! # use mlops_core::registry::ModelRegistry;
//!
//! struct Memory;
//!
//! #[async_trait::async_trait]
//! impl Build<Arc<dyn ModelRegistry>> for Memory {
//!     type Guard = ();
//!
//!     async fn build(&self) -> (Arc<dyn ModelRegistry>, ()) {
//!         (Arc::new(testing::registry::MemoryRegistry::default()), ())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! testing::registry::test_all(&Memory).await.assert_passed();
//! # }
//! ```
//!
//! Not a stable part of the interface: cases may be added in any release.

#[expect(clippy::needless_pass_by_value, reason = "cases take their subject whole")]
pub mod clock;
pub mod observe;
pub mod predict;
pub mod registry;
pub mod session;
mod suite;
mod tensors;

pub use self::{
    suite::{Build, Case, Failure, Outcome, Report, Violation, check},
    tensors::{approx_eq, sample_inputs},
};

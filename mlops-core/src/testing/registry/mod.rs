//! [`MemoryRegistry`], and the suite for [`ModelRegistry`](crate::registry::ModelRegistry).

mod conformance;
mod memory;

pub use self::{conformance::test_all, memory::MemoryRegistry};

//! wip
pub mod session;

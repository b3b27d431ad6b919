//! wip
pub mod batch;
pub mod session;
mod warm_up;

pub use self::warm_up::WarmUp;

//! Written by `cargo xtask generate` from `inference.proto`.
#![expect(
    clippy::allow_attributes,
    clippy::clone_on_ref_ptr,
    clippy::enum_variant_names,
    unreachable_pub,
    reason = "generated code"
)]

mod inference;

pub(super) use self::inference::*;

/// The same, for reflection.
pub(super) const DESCRIPTORS: &[u8] = include_bytes!("inference.bin");

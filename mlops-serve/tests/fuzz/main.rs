//! Requests that no client would send: the JSON of REST, its binary part, and the messages of gRPC.
//!
//! A run of the tests tries the corpus in `__fuzz__`, every edit of one byte to it, and random bytes;
//! `cargo xtask soak fuzz` lets libFuzzer look for more, for as long as it is told.
#![cfg(all(feature = "http", feature = "grpc"))]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(
    clippy::allow_attributes,
    clippy::clone_on_ref_ptr,
    clippy::enum_variant_names,
    unreachable_pub,
    reason = "generated code"
)]
#[path = "../../src/protocol/oip/grpc/generated/inference.rs"]
mod proto;

mod corpus;
mod grpc;
mod rest;
mod served;

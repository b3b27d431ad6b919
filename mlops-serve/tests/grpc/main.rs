//! The Open Inference Protocol over gRPC: the calls, the forms, streams, and every kind of bad request.
#![cfg(feature = "grpc")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../mock/mod.rs"]
mod mock;
#[expect(
    clippy::allow_attributes,
    clippy::clone_on_ref_ptr,
    clippy::enum_variant_names,
    unreachable_pub,
    reason = "generated code"
)]
#[path = "../../src/protocol/oip/grpc/generated/inference.rs"]
mod proto;
mod support;

mod bad_input;
mod calls;
mod forms;
mod limits;
#[cfg(feature = "shm")]
mod shared_memory;
mod sockets;
mod stream;

//! The protocol over gRPC.

mod answers;
mod contents;
mod decode;
mod encode;
mod gate;
mod generated;
mod health;
mod infer;
mod options;
mod router;
mod service;
mod status;
mod stream;

pub use self::{options::GrpcOptions, router::grpc_router};

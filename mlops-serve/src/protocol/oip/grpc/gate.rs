//! [`gate`]: in front of every call, for what the calls themselves do not see.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::{Request, State},
    http::Extensions,
    middleware::Next,
    response::Response,
};
use mlops_core::Error;
use tonic::{Code, Status};

use super::status::status;
use crate::protocol::oip::server::Server;

const INFERENCE: [&str; 2] = [
    "/inference.GRPCInferenceService/ModelInfer",
    "/inference.GRPCInferenceService/ModelStreamInfer",
];

/// What the gate knows.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) server: Arc<Server>,
    pub(super) max_message_bytes: usize,
}

/// Raised by a call that has its message.
#[derive(Debug, Clone, Default)]
struct Passed(Arc<AtomicBool>);

impl Gate {
    /// Says that the call has its message: what becomes of it is told elsewhere.
    pub(super) fn pass(extensions: &Extensions) {
        if let Some(Passed(passed)) = extensions.get() {
            passed.store(true, Ordering::Relaxed);
        }
    }
}

/// Tells the recorder of messages that could not be read, and compresses answers only to those who
/// compress: nearly every client says that it could read them.
pub(super) async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if !request.headers().contains_key("grpc-encoding") {
        request.headers_mut().remove("grpc-accept-encoding");
    }
    if !INFERENCE.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Passed(passed) = request.extensions_mut().get_or_insert_default::<Passed>().clone();
    let response = next.run(request).await;
    match Status::from_header_map(response.headers()) {
        Some(unread) if !passed.load(Ordering::Relaxed) => {
            let error = refusal(&unread, gate.max_message_bytes);
            gate.server.recorder.refused(None, &error);
            status(&error).into_http()
        }
        _ => response,
    }
}

/// Why a message could not be read.
pub(super) fn refusal(status: &Status, limit: usize) -> Error {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => {
            let limit = limit as u64;
            Error::TooLarge { what: "message (bytes)", actual: limit + 1, limit }
        }
        Code::Unimplemented => Error::unsupported("this server", status.message()),
        Code::Cancelled => Error::Cancelled,
        _ => Error::invalid("message", status.message()),
    }
}

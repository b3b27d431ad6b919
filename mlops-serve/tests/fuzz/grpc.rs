//! The message of a gRPC request.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{Request, header::CONTENT_TYPE},
};
use http_body_util::BodyExt;
use mlops_serve::protocol::oip;
use prost::Message;
use tonic::{Code, Status};
use tower::ServiceExt;

use crate::{
    corpus::edits,
    proto::{ModelInferRequest, ModelInferResponse},
    served::{MAX_BYTES, RUNTIME, models},
};

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    oip::grpc_router(models(), oip::GrpcOptions::default().with_max_message_bytes(MAX_BYTES))
});

/// What a `ModelInferRequest` would be, as bytes.
fn ask(message: &[u8]) {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = [&[0][..], &length, message].concat();
    let request = Request::post("/inference.GRPCInferenceService/ModelInfer")
        .header(CONTENT_TYPE, "application/grpc")
        .body(Body::from(frame))
        .unwrap();
    RUNTIME.block_on(async {
        let response = ROUTER.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().unwrap_or(&head.headers);
        let status = Status::from_header_map(trailers).unwrap();
        judge(message, &status, &collected.to_bytes());
    });
}

/// An answer is whole, or an error of the client's that says something.
fn judge(message: &[u8], status: &Status, body: &[u8]) {
    match status.code() {
        Code::Ok => {
            let answer = ModelInferResponse::decode(&body[5..]).unwrap();
            let raw = answer.raw_output_contents.len();
            assert!(raw == 0 || raw == answer.outputs.len(), "{answer:?}");
        }
        // Of gRPC itself, for what is no message at all.
        Code::Internal => assert!(ModelInferRequest::decode(message).is_err(), "{status}"),
        Code::InvalidArgument
        | Code::NotFound
        | Code::OutOfRange
        | Code::Unimplemented
        // A request may ask for less time than there is.
        | Code::DeadlineExceeded => assert!(!status.message().is_empty(), "{status}"),
        _ => panic!("{status}"),
    }
}

#[test]
fn message() {
    bolero::check!(name = "grpc_message").for_each(ask);
}

#[test]
fn message_edited() {
    edits("grpc_message").for_each(|input| ask(&input));
}

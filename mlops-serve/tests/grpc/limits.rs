//! Limits, deadlines, compression, and what is recorded of refusals.

use std::{collections::BTreeMap, io::Write};

use axum::{
    body::{Body, Bytes},
    http::{Request as HttpRequest, Response as HttpResponse},
};
use http_body_util::BodyExt;
use prost::Message;
use tonic::{Code, Request, Status};
use tower::ServiceExt;

use crate::{
    proto::{ModelInferRequest, ModelInferResponse, infer_parameter::ParameterChoice::Int64Param},
    support::{MODEL_INFER, Server, good, parameters, server},
};

/// A message as it goes over the wire.
fn frame(message: &[u8], is_compressed: u8) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[is_compressed], &length[..], message].concat()
}

async fn post(server: &Server, body: Vec<u8>, headers: &[(&str, &str)]) -> HttpResponse<Bytes> {
    let mut request = HttpRequest::post(MODEL_INFER).header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).unwrap();
    let (parts, body) = server.router.clone().oneshot(request).await.unwrap().into_parts();
    let collected = body.collect().await.unwrap();
    let mut headers = parts.headers.clone();
    headers.extend(collected.trailers().cloned().unwrap_or_default());
    let mut response = HttpResponse::new(collected.to_bytes());
    *response.headers_mut() = headers;
    response
}

fn code<T>(response: &HttpResponse<T>) -> Code {
    Status::from_header_map(response.headers()).unwrap().code()
}

/// Sends these bytes as a message: how it was answered, and how many refusals were recorded.
pub(crate) async fn send_bytes(server: &Server, message: &[u8]) -> (Code, usize) {
    let before: usize = server.refused.0.lock().values().sum();
    let response = post(server, frame(message, 0), &[]).await;
    let after: usize = server.refused.0.lock().values().sum();
    (code(&response), after - before)
}

#[tokio::test]
async fn refusals_are_recorded_once_and_unknown_models_are_one() {
    let server = server();
    for name in ["nobody", "somebody"] {
        let message = ModelInferRequest { model_name: name.into(), ..good() };
        server.infer(message).await.unwrap_err();
    }
    let mut wrong = good();
    wrong.inputs[1].shape = vec![2, 3];
    server.infer(wrong).await.unwrap_err();
    // Not even a message: too large, no protocol buffer, none at all, in an unknown encoding.
    assert_eq!(send_bytes(&server, &[0; 5000]).await, (Code::ResourceExhausted, 1));
    assert_eq!(send_bytes(&server, &[0xff; 10]).await, (Code::InvalidArgument, 1));
    assert_eq!(code(&post(&server, Vec::new(), &[]).await), Code::InvalidArgument);
    let unknown = post(&server, frame(&[], 1), &[("grpc-encoding", "br")]).await;
    assert_eq!(code(&unknown), Code::Unimplemented);
    // What the batcher refuses is an observer's to count, and what is answered is no refusal.
    let mut rows = good();
    rows.inputs.pop();
    server.infer(rows).await.unwrap_err();
    server.infer(good()).await.unwrap();
    let refused = server.refused.0.lock().clone();
    let expected = BTreeMap::from([
        (("unknown".to_owned(), "not_found"), 2),
        (("unknown".to_owned(), "too_large"), 1),
        (("unknown".to_owned(), "invalid_argument"), 2),
        (("unknown".to_owned(), "unsupported"), 1),
        (("arithmetic/1".to_owned(), "invalid_tensor"), 1),
    ]);
    assert_eq!(refused, expected);
}

#[test]
fn the_sooner_of_the_two_deadlines_wins() {
    for (header, parameter, code, seconds) in [
        ("", 30_000_000, Code::DeadlineExceeded, 30),
        ("20S", 0, Code::DeadlineExceeded, 20),
        ("20S", 30_000_000, Code::DeadlineExceeded, 20),
        ("1H", 10_000_000, Code::DeadlineExceeded, 10),
        ("soon", 0, Code::InvalidArgument, 0),
    ] {
        // A clock that jumps to the next timer; a new one for each, because deadlines begin with the
        // time of the machine.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let server = server();
            server.log.close_gate();
            let parameters = parameters([("timeout", Int64Param(parameter))]);
            let mut request = Request::new(ModelInferRequest { parameters, ..good() });
            if !header.is_empty() {
                request.metadata_mut().insert("grpc-timeout", header.parse().unwrap());
            }
            let start = tokio::time::Instant::now();
            let answer: Result<ModelInferResponse, Status> =
                server.send(MODEL_INFER, request).await;
            assert_eq!(answer.unwrap_err().code(), code, "{header} {parameter}");
            assert_eq!(start.elapsed().as_secs(), seconds, "{header} {parameter}");
            server.log.open_gate();
        });
    }
}

#[tokio::test]
async fn gzip_in_both_directions_for_those_who_use_it() {
    let server = server();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let message = good().encode_to_vec();
    let accepts = ("grpc-accept-encoding", "identity, deflate, gzip");
    let encoded = ("grpc-encoding", "gzip");
    let answer = post(&server, frame(&gzip(&message), 1), &[accepts, encoded]).await;
    assert_eq!(code(&answer), Code::Ok);
    assert_eq!(answer.headers()["grpc-encoding"], "gzip");
    assert_eq!(answer.body()[0], 1);
    // Nearly every client accepts it; only one that compresses gets it.
    let plain = post(&server, frame(&message, 0), &[accepts]).await;
    assert_eq!(code(&plain), Code::Ok);
    assert!(!plain.headers().contains_key("grpc-encoding"));
    assert_eq!(plain.body()[0], 0);
    let decoded = ModelInferResponse::decode(&plain.body()[5..]).unwrap();
    assert_eq!(decoded.outputs.len(), 2);

    let bomb = gzip(&vec![0; 1 << 20]);
    assert!(bomb.len() < 4096);
    let answer = post(&server, frame(&bomb, 1), &[encoded]).await;
    assert_eq!(code(&answer), Code::ResourceExhausted);
    let answer = post(&server, frame(b"no gzip", 1), &[encoded]).await;
    assert_eq!(code(&answer), Code::InvalidArgument);
}

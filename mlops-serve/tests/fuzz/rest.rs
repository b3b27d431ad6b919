//! The body of a REST request: JSON, and JSON with a binary part.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode},
};
use http_body_util::BodyExt;
use mlops_core::tensor::DataType;
use mlops_serve::protocol::oip;
use serde_json::Value;
use tower::ServiceExt;

use crate::{
    corpus::edits,
    served::{MAX_BYTES, RUNTIME, models},
};

const JSON_LENGTH: &str = "inference-header-content-length";

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    oip::router(models(), oip::RestOptions::default().with_max_body_bytes(MAX_BYTES))
});

/// The letter of a model, then the body.
fn ask_json(input: &[u8]) {
    if let Some((letter, body)) = input.split_first() {
        ask(*letter, None, body);
    }
}

/// The letter of a model, the length of the JSON as its header says it, a new line, then the body.
fn ask_binary(input: &[u8]) {
    let Some((letter, rest)) = input.split_first() else { return };
    let mut parts = rest.splitn(2, |byte| *byte == b'\n');
    if let (Some(length), Some(body)) = (parts.next(), parts.next())
        && let Ok(length) = HeaderValue::from_bytes(length)
    {
        ask(*letter, Some(length), body);
    }
}

fn ask(letter: u8, length: Option<HeaderValue>, body: &[u8]) {
    let index = usize::from(letter.wrapping_sub(b'a')) % DataType::ALL.len();
    let mut request = Request::post(format!("/v2/models/{}/infer", DataType::ALL[index]));
    if let Some(length) = length {
        request = request.header(JSON_LENGTH, length);
    }
    let request = request.body(Body::from(body.to_vec())).unwrap();
    RUNTIME.block_on(async { judge(ROUTER.clone().oneshot(request).await.unwrap()).await });
}

/// An answer is whole, or an error of the client's that says something.
async fn judge(response: Response<Body>) {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if head.status == StatusCode::OK {
        let length = head.headers.get(JSON_LENGTH);
        let length = length.map_or(body.len(), |text| text.to_str().unwrap().parse().unwrap());
        let json: Value = serde_json::from_slice(&body[..length]).unwrap();
        let outputs = json["outputs"].as_array().unwrap().iter();
        let binary: usize = outputs
            .filter_map(|output| output["parameters"]["binary_data_size"].as_u64())
            .map(|size| usize::try_from(size).unwrap())
            .sum();
        assert_eq!(length + binary, body.len(), "{json}");
        return;
    }
    // A request may ask for less time than there is, and for JSON of what JSON cannot say.
    let is_expected = head.status.is_client_error()
        || [StatusCode::GATEWAY_TIMEOUT, StatusCode::NOT_IMPLEMENTED].contains(&head.status);
    assert!(is_expected, "{}: {}", head.status, String::from_utf8_lossy(&body));
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert!(!json["error"].as_str().unwrap().is_empty());
}

#[test]
fn json() {
    bolero::check!(name = "rest_json").for_each(ask_json);
}

#[test]
fn json_edited() {
    edits("rest_json").for_each(|input| ask_json(&input));
}

#[test]
fn binary() {
    bolero::check!(name = "rest_binary").for_each(ask_binary);
}

#[test]
fn binary_edited() {
    edits("rest_binary").for_each(|input| ask_binary(&input));
}

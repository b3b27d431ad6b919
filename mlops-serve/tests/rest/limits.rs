//! Limits, timeouts, failures, and what is recorded of them.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    http::Request,
};
use mlops_core::{Error, inference::InferenceSession, testing::session::MockSession};
use serde_json::json;

use crate::support::{good, server, tensor};

#[tokio::test]
async fn a_body_that_grows_over_the_limit_is_cut_off() {
    let server = server();
    let chunks = (0..1000).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 100])));
    let body = Body::from_stream(tokio_stream(chunks));
    let request = Request::post("/v2/models/arithmetic/infer").body(body).unwrap();
    let error = server.send(request).await.error(413);
    assert!(error.contains("4096"), "{error}");
}

fn tokio_stream<I: Iterator>(items: I) -> impl futures_core::Stream<Item = I::Item> {
    struct Items<I>(I);

    impl<I> Unpin for Items<I> {}

    impl<I: Iterator> futures_core::Stream for Items<I> {
        type Item = I::Item;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<I::Item>> {
            std::task::Poll::Ready(self.0.next())
        }
    }

    Items(items)
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_in_microseconds() {
    let server = server();
    server.log.close_gate();
    let mut body = good();
    body["parameters"] = json!({ "timeout": 30_000_000 });
    let begun = tokio::time::Instant::now();
    let error = server.infer("arithmetic", &body).await.error(504);
    assert!(error.contains("deadline"), "{error}");
    assert_eq!(begun.elapsed().as_secs(), 30);
    server.log.open_gate();
}

#[tokio::test]
async fn refusals_are_recorded_once_and_unknown_models_are_one() {
    let server = server();
    for model in ["nobody", "somebody", "arithmetic/versions/9"] {
        server.infer(model, &good()).await.error(404);
    }
    server.infer_bytes("arithmetic", "x".into(), None).await.error(400);
    server
        .infer("arithmetic", &json!({ "inputs": [tensor("a", &[1, 3], json!([1, 2, 3]))] }))
        .await
        .error(400);
    let refused = server.refused.0.lock().clone();
    let expected = BTreeMap::from([
        (("unknown".to_owned(), "not_found"), 3),
        (("arithmetic/1".to_owned(), "invalid_argument"), 1),
        (("arithmetic/1".to_owned(), "invalid_tensor"), 1),
    ]);
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn a_session_error_is_a_500_with_its_message() {
    let session = MockSession::identity(2);
    let server = server().with("mock", &session);
    session.log().fail_next(Error::backend("engine", "out of order"));
    let input = tensor("x", &[1, 2], json!([1, 2]));
    let body = json!({ "inputs": [input] });
    let error = server.infer("mock", &body).await.error(500);
    assert!(error.contains("engine") && error.contains("out of order"), "{error}");
    server.infer("mock", &body).await.ok();
    assert_eq!(session.signature().inputs.len(), 1);
}

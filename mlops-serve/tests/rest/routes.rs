//! Routes, metadata and readiness.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use mlops_core::{Error, testing::session::MockSession};
use serde_json::json;

use crate::{
    mock::{arithmetic, batcher, id},
    support::{Server, good, server, tensor},
};

#[tokio::test]
async fn server_and_model_metadata() {
    let server = server();
    let metadata = server.get("/v2").await.ok().json();
    assert_eq!(metadata["name"], "mlops-serve");
    assert_eq!(server.get("/v2/models").await.ok().json(), json!({ "models": ["arithmetic"] }));
    let expected = json!({
        "name": "arithmetic",
        "versions": ["1", "2"],
        "platform": "mock",
        "inputs": [
            { "name": "a", "datatype": "FP32", "shape": [-1, 2] },
            { "name": "b", "datatype": "FP32", "shape": [-1, 2] },
        ],
        "outputs": [
            { "name": "sum", "datatype": "FP32", "shape": [-1, 2] },
            { "name": "product", "datatype": "FP32", "shape": [-1, 2] },
        ],
    });
    assert_eq!(server.get("/v2/models/arithmetic").await.ok().json(), expected);
    assert_eq!(server.get("/v2/models/arithmetic/versions/1").await.ok().json(), expected);
}

#[tokio::test]
async fn readiness_waits_for_every_model() {
    let server = server();
    server.get("/v2/health/live").await.ok();
    server.get("/health").await.ok();
    assert_eq!(server.get("/v2/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let ready = server.get("/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["waiting_for"], json!(["arithmetic/2: loading"]));
    server.get("/v2/models/arithmetic/ready").await.ok();
    server.get("/v2/models/arithmetic/versions/1/ready").await.ok();
    server.get("/v2/models/arithmetic/versions/2/ready").await.error(503);

    server.table.fail(&id("arithmetic", "2"), &Error::corrupt("model", "m.onnx", "half"));
    assert!(server.get("/v2/models/arithmetic/versions/2/ready").await.error(503).contains("half"));
    assert_eq!(server.get("/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);

    server.table.publish(batcher(id("arithmetic", "2"), &arithmetic()));
    server.get("/v2/health/ready").await.ok();
    server.get("/ready").await.ok();
    server.get("/v2/models/arithmetic/versions/2/ready").await.ok();
}

#[tokio::test]
async fn unknown_paths_models_and_methods() {
    let server = server();
    for path in ["/v2/nothing", "/v2/models/arithmetic/nothing", "/v2/models/a/versions/1/x"] {
        assert_eq!(server.get(path).await.error(404), "Not Found", "{path}");
    }
    let error = server.get("/v2/models/nobody").await.error(404);
    assert!(error.contains("`nobody`"), "{error}");
    let error = server.get("/v2/models/arithmetic/versions/9").await.error(404);
    assert!(error.contains("arithmetic/9"), "{error}");
    let error = server.get("/v2/models/arithmetic/versions/one").await.error(400);
    assert!(error.contains("\"one\""), "{error}");
    let answer = server.get("/v2/models/arithmetic/infer").await;
    answer.error(405);
    assert_eq!(answer.allow.as_deref(), Some("POST"));
    let delete = Request::delete("/v2/models/arithmetic").body(Body::empty()).unwrap();
    let answer = server.send(delete).await;
    answer.error(405);
    assert_eq!(answer.allow.as_deref(), Some("GET"));
    let error = server.infer("nobody", &good()).await.error(404);
    assert!(error.contains("`nobody`"), "{error}");
    server.infer("arithmetic/versions/2", &good()).await.error(503);
}

#[tokio::test]
async fn two_routers_live_in_one_host() {
    let (left, right) = (MockSession::identity(2), MockSession::identity(2));
    let one = server().with("left", &left);
    let two = server().with("right", &right);
    let host = Router::new()
        .nest("/one", one.router.clone())
        .nest("/two", two.router.clone())
        .route("/", get(async || "the host's own"))
        .fallback(async || (StatusCode::NOT_FOUND, "the host's own error"));
    let host = Server { router: host, ..server() };
    let body = json!({ "inputs": [tensor("x", &[1, 2], json!([1, 2]))] }).to_string();
    host.post("/one/v2/models/left/infer", body.clone()).await.ok();
    assert_eq!((left.log().runs().len(), right.log().runs().len()), (1, 0));
    host.post("/two/v2/models/right/infer", body.clone()).await.ok();
    assert_eq!((left.log().runs().len(), right.log().runs().len()), (1, 1));
    let error = host.post("/one/v2/models/right/infer", body).await.error(404);
    assert!(error.contains("`right`"), "{error}");
    for (path, text) in [("/", "the host's own"), ("/nothing", "the host's own error")] {
        assert_eq!(host.get(path).await.body, text);
    }
    // Both wait for the second version of `arithmetic`, until one of them has it.
    one.table.publish(batcher(id("arithmetic", "2"), &arithmetic()));
    assert_eq!(host.get("/one/ready").await.status, StatusCode::OK);
    assert_eq!(host.get("/two/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

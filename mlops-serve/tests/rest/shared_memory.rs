//! Tensors in memory that the client shares.

use std::sync::Arc;

use mlops_serve::protocol::oip::SharedMemory;
use serde_json::{Value, json};

use crate::{
    mock::ClientMemory,
    support::{Server, f32s, good, server, server_with, tensor},
};

fn lent() -> Server {
    server_with(|server| server.with_shared_memory(Arc::new(SharedMemory::new())))
}

async fn register(server: &Server, name: &str, body: Value) -> crate::support::Answer {
    let path = format!("/v2/systemsharedmemory/region/{name}/register");
    server.post(&path, body.to_string()).await
}

/// `good`, whose second input has these parameters instead of data.
#[expect(clippy::needless_pass_by_value, reason = "`json!` makes it in place")]
fn b(parameters: Value) -> Value {
    let mut body = good();
    body["inputs"][1] =
        json!({ "name": "b", "datatype": "FP32", "shape": [2, 2], "parameters": parameters });
    body
}

#[tokio::test]
async fn inputs_and_outputs_lie_where_the_client_says() {
    let server = lent();
    let extensions = server.get("/v2").await.ok().json()["extensions"].clone();
    assert!(extensions.as_array().unwrap().contains(&json!("system_shared_memory")));
    let memory = ClientMemory::new(
        "both",
        &[f32s(&[9.0; 2]), f32s(&[10.5, 20.0, 30.0, 40.0]), vec![7; 40]].concat(),
    );
    let region = json!({ "key": memory.key, "offset": 4, "byte_size": 60 });
    register(&server, "r", region).await.ok();
    let expected = json!([{ "name": "r", "key": memory.key, "offset": 4, "byte_size": 60 }]);
    for path in ["/v2/systemsharedmemory/status", "/v2/systemsharedmemory/region/r/status"] {
        assert_eq!(server.get(path).await.ok().json(), expected);
    }

    let mut body = b(
        json!({ "shared_memory_region": "r", "shared_memory_offset": 4, "shared_memory_byte_size": 16 }),
    );
    let slot = json!({ "shared_memory_region": "r", "shared_memory_offset": 30, "shared_memory_byte_size": 20 });
    body["outputs"] = json!([{ "name": "sum", "parameters": slot }, { "name": "product" }]);
    let answer = server.infer("arithmetic", &body).await.ok().json();
    let expected = json!({
        "name": "sum", "datatype": "FP32", "shape": [2, 2],
        "parameters": { "shared_memory_region": "r", "shared_memory_offset": 30, "shared_memory_byte_size": 16 },
    });
    assert_eq!(answer["outputs"][0], expected);
    assert_eq!(answer["outputs"][1]["data"], json!([10.5, 40.0, 90.0, 160.0]));
    assert_eq!(memory.read(34, 16), f32s(&[11.5, 22.0, 33.0, 44.0]));
    // Nothing beside it was written.
    assert_eq!((memory.read(24, 10), memory.read(50, 14)), (vec![7; 10], vec![7; 14]));

    server.post("/v2/systemsharedmemory/region/r/unregister", "").await.ok();
    assert!(server.infer("arithmetic", &body).await.error(404).contains("`r`"));
    server.post("/v2/systemsharedmemory/unregister", "").await.ok();
    assert_eq!(server.get("/v2/systemsharedmemory/status").await.ok().json(), json!([]));
}

#[tokio::test]
async fn slots_that_are_not_in_the_memory_are_refused() {
    let server = lent();
    let memory = ClientMemory::new("bounds", &[0; 64]);
    register(&server, "r", json!({ "key": memory.key, "byte_size": 64 })).await.ok();
    let slot = |offset: u64, size: u64| json!({ "shared_memory_region": "r", "shared_memory_offset": offset, "shared_memory_byte_size": size });
    for (parameters, status, says) in [
        (json!({ "shared_memory_region": "x", "shared_memory_byte_size": 16 }), 404, "`x`"),
        (json!({ "shared_memory_region": "r" }), 400, "shared_memory_byte_size"),
        (slot(49, 16), 400, "16 bytes at 49"),
        (slot(u64::MAX, 16), 400, "within the 64"),
        (slot(0, u64::MAX), 400, "within the 64"),
        (slot(0, 12), 400, "`b`"),
        (json!({ "shared_memory_region": 7 }), 400, "JSON"),
        (
            json!({ "shared_memory_region": "r", "shared_memory_byte_size": 16, "binary_data_size": 16 }),
            400,
            "both",
        ),
    ] {
        let error = server.infer("arithmetic", &b(parameters.clone())).await.error(status);
        assert!(error.contains(says), "{parameters}: `{error}` does not say `{says}`");
    }
    assert_eq!(server.log.runs(), [0; 0], "a bad request reached the session");
    let mut small = good();
    small["outputs"] = json!([{ "name": "sum", "parameters": slot(0, 15) }]);
    assert!(server.infer("arithmetic", &small).await.error(400).contains("`sum` has 16 bytes"));
    // A client that takes its memory away is told so.
    memory.file.set_len(8).unwrap();
    let error = server.infer("arithmetic", &b(slot(0, 16))).await.error(400);
    assert!(error.contains("no longer as it was"), "{error}");
    // More than a body may have, however large the memory is.
    memory.file.set_len(1 << 20).unwrap();
    register(&server, "large", json!({ "key": memory.key, "byte_size": 1 << 20 })).await.ok();
    let large = json!({ "shared_memory_region": "large", "shared_memory_byte_size": 1 << 20 });
    server.infer("arithmetic", &b(large)).await.error(413);
}

#[tokio::test]
async fn bad_regions_are_not_registered() {
    let server = lent();
    let memory = ClientMemory::new("regions", &[0; 64]);
    let key = &memory.key;
    for (body, status, says) in [
        (json!({ "byte_size": 1 }), 400, "`key`"),
        (json!({ "key": key }), 400, "`byte_size`"),
        (json!({ "key": key, "byte_size": 65 }), 400, "64 bytes"),
        (json!({ "key": key, "offset": u64::MAX, "byte_size": 1 }), 400, "overflow"),
        (json!({ "key": key, "byte_size": -1 }), 400, "JSON"),
        (json!({ "key": "/nobody-has-this", "byte_size": 1 }), 400, "nobody-has-this"),
        (json!({ "key": "/../etc/passwd", "byte_size": 1 }), 400, "one name"),
        (json!({ "key": "..", "byte_size": 1 }), 400, "one name"),
        (json!({ "key": "", "byte_size": 1 }), 400, "one name"),
        (json!({ "key": "a\0b", "byte_size": 1 }), 400, "one name"),
    ] {
        let error = register(&server, "r", body.clone()).await.error(status);
        assert!(error.contains(says), "{body}: `{error}` does not say `{says}`");
    }
    server.get("/v2/systemsharedmemory/region/r/status").await.error(404);
    register(&server, "r", json!({ "key": key, "byte_size": 64 })).await.ok();
    register(&server, "r", json!({ "key": key, "byte_size": 64 })).await.error(409);
    for number in 1..1024 {
        register(&server, &format!("r{number}"), json!({ "key": key, "byte_size": 0 })).await.ok();
    }
    register(&server, "more", json!({ "key": key, "byte_size": 0 })).await.error(503);
}

#[tokio::test]
async fn a_host_that_does_not_lend_memory_says_so() {
    let server = server();
    let error = register(&server, "r", json!({ "key": "/r", "byte_size": 1 })).await.error(501);
    assert!(error.contains("host"), "{error}");
    server.get("/v2/systemsharedmemory/status").await.error(501);
    server.post("/v2/systemsharedmemory/unregister", "").await.error(501);
    let body = b(json!({ "shared_memory_region": "r", "shared_memory_byte_size": 16 }));
    assert!(server.infer("arithmetic", &body).await.error(501).contains("`b`"));
    // The rest is as without it.
    let inputs = json!({ "inputs": [tensor("a", &[1, 2], json!([1, 2])), tensor("b", &[1, 2], json!([1, 2]))] });
    server.infer("arithmetic", &inputs).await.ok();
}

//! Statistics, configuration, classification, the repository.

use std::sync::Arc;

use async_trait::async_trait;
use mlops_core::{
    Error, Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
};
use mlops_serve::host::{LoadOptions, ServedModel};
use serde_json::{Value, json};

use crate::{
    mock::{Control, arithmetic, batcher, counted, id},
    support::{good, server, server_with},
};

#[tokio::test]
async fn the_extensions_are_those_that_are_served() {
    let extensions = async |server: &crate::support::Server| -> Value {
        server.get("/v2").await.ok().json()["extensions"].clone()
    };
    let always = [
        "binary_tensor_data",
        "classification",
        "model_configuration",
        "parameters",
        "schedule_policy",
    ];
    assert_eq!(extensions(&server()).await, json!(always));
    let control = Arc::new(Control::default());
    let server = server_with(|server| server.with_control(control));
    assert_eq!(extensions(&server).await, json!([&always[..], &["model_repository"]].concat()));
    server.table.publish(counted(id("counted", "1"), &arithmetic()));
    let all = [&always[..], &["model_repository", "statistics"]].concat();
    assert_eq!(extensions(&server).await, json!(all));
}

#[tokio::test]
async fn statistics_have_every_key_and_counts_that_agree() {
    let server = server();
    for version in ["1", "2"] {
        server.table.publish(counted(id("counted", version), &arithmetic()));
    }
    server.infer("counted/versions/1", &good()).await.ok();
    server.infer("counted/versions/1", &good()).await.ok();
    // What the model refuses is counted; what never reaches it is not its doing.
    let mut unknown_output = good();
    unknown_output["outputs"] = json!([{ "name": "z" }]);
    server.infer("counted/versions/1", &unknown_output).await.error(400);
    server.infer_bytes("counted", "x".into(), None).await.error(400);

    let all = server.get("/v2/models/stats").await.ok().json();
    let versions: Vec<_> = all["model_stats"].as_array().unwrap().iter().collect();
    let ids = versions.iter().map(|model| (&model["name"], &model["version"]));
    let ids: Vec<_> = ids.collect();
    assert_eq!(json!(ids), json!([["counted", "1"], ["counted", "2"]]));
    assert_eq!(server.get("/v2/models/counted/stats").await.ok().json(), all);

    let one = server.get("/v2/models/counted/versions/1/stats").await.ok().json();
    let model = &one["model_stats"][0];
    assert_eq!(model["inference_count"], 4);
    assert_eq!(model["execution_count"], 2);
    assert!(model["last_inference"].as_u64().unwrap() > 1_600_000_000_000);
    for (phase, count) in [
        ("success", 2),
        ("fail", 1),
        ("queue", 2),
        ("compute_input", 2),
        ("compute_infer", 2),
        ("compute_output", 2),
        ("cache_hit", 0),
        ("cache_miss", 0),
    ] {
        assert_eq!(model["inference_stats"][phase]["count"], count, "{phase}");
        assert!(model["inference_stats"][phase]["ns"].is_u64(), "{phase}");
    }
    let batches = model["batch_stats"].as_array().unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(
        (&batches[0]["batch_size"], &batches[0]["compute_infer"]["count"]),
        (&json!(2), &json!(2))
    );
    let idle = server.get("/v2/models/counted/versions/2/stats").await.ok().json();
    assert_eq!(idle["model_stats"][0]["last_inference"], 0);

    server.get("/v2/models/nobody/stats").await.error(404);
    server.get("/v2/models/counted/versions/x/stats").await.error(400);
    server.get("/v2/models/arithmetic/versions/2/stats").await.error(503);
    assert!(server.get("/v2/models/arithmetic/stats").await.error(501).contains("`arithmetic`"));
}

#[tokio::test]
async fn the_configuration_says_what_clients_ask_for() {
    let server = server();
    let expected = json!({
        "name": "arithmetic",
        "platform": "mock",
        "backend": "mock",
        "version_policy": { "all": {} },
        "max_batch_size": 4,
        "input": [
            { "name": "a", "data_type": "TYPE_FP32", "dims": [2], "is_shape_tensor": false, "optional": false },
            { "name": "b", "data_type": "TYPE_FP32", "dims": [2], "is_shape_tensor": false, "optional": false },
        ],
        "output": [
            { "name": "sum", "data_type": "TYPE_FP32", "dims": [2], "is_shape_tensor": false, "optional": false },
            { "name": "product", "data_type": "TYPE_FP32", "dims": [2], "is_shape_tensor": false, "optional": false },
        ],
        "dynamic_batching": {},
        "model_transaction_policy": { "decoupled": false },
        "response_cache": { "enable": false },
    });
    assert_eq!(server.get("/v2/models/arithmetic/config").await.ok().json(), expected);
    assert_eq!(server.get("/v2/models/arithmetic/versions/1/config").await.ok().json(), expected);
    server.get("/v2/models/arithmetic/versions/2/config").await.error(503);
}

#[tokio::test]
async fn classes_instead_of_an_output() {
    let server = server();
    let mut body = good();
    body["outputs"] = json!([
        { "name": "sum", "parameters": { "classification": 1 } },
        { "name": "product", "parameters": { "classification": 9, "binary_data": true } },
    ]);
    let answer = server.infer("arithmetic", &body).await.ok();
    let outputs = answer.json()["outputs"].clone();
    assert_eq!(
        outputs[0],
        json!({ "name": "sum", "datatype": "BYTES", "shape": [2, 1], "data": ["22:1", "44:1"] })
    );
    assert_eq!(outputs[1]["shape"], json!([2, 2]));
    let binary = &answer.body[answer.json_length.unwrap()..];
    assert_eq!(binary[..8], *b"\x04\0\0\x0040:1");
}

/// Answers as the arm of an experiment, and echoes what it was told.
#[derive(Debug)]
struct Arm(Arc<dyn Predict>);

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arm({})", self.0)
    }
}

#[async_trait]
impl Predict for Arm {
    fn descriptor(&self) -> &ModelDescriptor {
        self.0.descriptor()
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let context = request.context.clone().unwrap_or_default();
        let mut response = self.0.predict(request).await?;
        response.variant = Some(format!("{:?} {}", context.parameters, context.priority).into());
        Ok(response)
    }
}

#[tokio::test]
async fn parameters_reach_the_model_and_the_variant_comes_back() {
    let server = server();
    let inner = batcher(id("arm", "1"), &arithmetic());
    server.table.publish(ServedModel::new(Arc::new(Arm(inner))));
    let mut body = good();
    body["parameters"] =
        json!({ "priority": 3, "user": "a\"b", "ratio": 0.5, "on": true, "n": -1 });
    let answer = server.infer("arm", &body).await.ok().json();
    let expected =
        r#"{"n": Integer(-1), "on": Bool(true), "ratio": Float(0.5), "user": String("a\"b")} 3"#;
    assert_eq!(answer["parameters"], json!({ "variant": expected }));
}

#[tokio::test]
async fn the_index_lists_every_model_and_its_state() {
    let server = server();
    server.table.fail(&id("broken", "1"), &Error::corrupt("model", "m.onnx", "half"));
    let expected = json!([
        { "name": "arithmetic", "version": "1", "state": "READY", "reason": "" },
        { "name": "arithmetic", "version": "2", "state": "LOADING", "reason": "" },
        { "name": "broken", "version": "1", "state": "UNAVAILABLE", "reason": "model `m.onnx` is corrupt: half" },
    ]);
    for body in ["", "{}", r#"{"ready":false}"#] {
        assert_eq!(server.post("/v2/repository/index", body).await.ok().json(), expected);
    }
    let ready = server.post("/v2/repository/index", r#"{"ready":true}"#).await.ok().json();
    assert_eq!(ready, json!([expected[0]]));
    server.post("/v2/repository/index", "[").await.error(400);
    server.get("/v2/repository/index").await.error(405);
}

#[tokio::test]
async fn models_are_loaded_and_unloaded_by_the_host() {
    let control = Arc::new(Control::default());
    let controlled = Arc::<Control>::clone(&control);
    let server = server_with(|server| server.with_control(controlled));
    let load = "/v2/repository/models/arithmetic/load";
    let answer = server.post(load, "").await.ok();
    assert!(answer.body.is_empty());
    let body = json!({ "parameters": { "config": "{\"x\":1}", "file:1/model.onnx": "aGVsbG8=" } });
    server.post(load, body.to_string()).await.ok();
    let unload = "/v2/repository/models/arithmetic/unload";
    let body = json!({ "parameters": { "unload_dependents": false } });
    server.post(unload, body.to_string()).await.ok();
    let asked = std::mem::take(&mut *control.0.lock());
    let options = asked[1].1.clone().unwrap();
    assert_eq!(asked[0], ("arithmetic".into(), Some(LoadOptions::default())));
    assert_eq!(options.config.as_deref(), Some("{\"x\":1}"));
    assert_eq!(options.files["1/model.onnx"], "hello");
    assert_eq!(asked[2], ("arithmetic".into(), None));

    server.post("/v2/repository/models/nobody/load", "").await.error(404);
    server.post("/v2/repository/models/nobody/unload", "").await.error(404);
    control.0.lock().clear();
    for (path, body, status, says) in [
        (load, r#"{"parameters":{"file:x":"?"}}"#, 400, "base64"),
        (load, r#"{"parameters":{"file:x":7}}"#, 400, "`file:x`"),
        (load, r#"{"parameters":{"color":"red"}}"#, 400, "`color`"),
        (load, "[1]", 400, "JSON"),
        (unload, r#"{"parameters":{"unload_dependents":true}}"#, 501, "unload_dependents"),
        ("/v2/repository/store/models/arithmetic/load", "", 501, "`store`"),
        ("/v2/repository/store/models/arithmetic/unload", "", 501, "`store`"),
    ] {
        let error = server.post(path, body).await.error(status);
        assert!(error.contains(says), "`{error}` does not say `{says}`");
    }
    assert_eq!(*control.0.lock(), []);

    // A host that does not lend control says so.
    let error = crate::support::server().post(load, "").await.error(501);
    assert!(error.contains("host"), "{error}");
}

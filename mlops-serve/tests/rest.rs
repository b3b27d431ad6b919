//! The Open Inference Protocol over REST: the routes, the forms, and every kind of bad request.
#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode},
    response::Response,
};
use http_body_util::BodyExt;
use mlops_core::{
    Error,
    inference::{InferenceSession, Predict},
    model::ModelId,
    signature::{Dim, ModelSignature, TensorSpec},
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::{MockFactory, MockLog, MockSession},
};
use mlops_serve::{
    WarmUp,
    batch::{Batcher, BatcherOptions, Placement},
    host::ModelTable,
    protocol::{health, oip},
    record::RequestRecorder,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;

// ---- what is served

fn id(name: &str, version: &str) -> ModelId {
    ModelId::new(name.parse().unwrap(), version.parse().unwrap())
}

fn batcher(id: ModelId, session: &MockSession) -> Arc<dyn Predict> {
    let options =
        BatcherOptions::default().with_max_batch_size(4).with_placement(Placement::Thread);
    let factory = MockFactory::new(session.clone());
    Arc::new(Batcher::builder(id, factory, options).warm_up(WarmUp::None).start().unwrap())
}

/// Gives back an input of this type as `y`.
fn identity(data_type: DataType, shape: &[Dim]) -> MockSession {
    let spec = |name| TensorSpec::new(name, data_type, shape.iter().cloned());
    let signature = ModelSignature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    MockSession::new(signature, |inputs| {
        Ok(NamedTensors::single("y", inputs.require("x")?.clone()))
    })
}

/// `sum` and `product` of `a` and `b`, FP32 `[batch, 2]`.
fn arithmetic() -> MockSession {
    let shape = || [Dim::Symbolic("batch".into()), Dim::Fixed(2)];
    let spec = |name| TensorSpec::new(name, DataType::F32, shape());
    let signature = ModelSignature {
        inputs: vec![spec("a"), spec("b")],
        outputs: vec![spec("sum"), spec("product")],
    };
    MockSession::new(signature, |inputs| {
        let (a, b) = (inputs.require("a")?.clone(), inputs.require("b")?.clone());
        let (a, b) = (a.into_aligned(), b.into_aligned());
        let (a, b) = (a.view::<f32>()?, b.view::<f32>()?);
        let mut outputs = NamedTensors::single("sum", Tensor::from_array(&a + &b));
        outputs.insert("product", Tensor::from_array(&a * &b))?;
        Ok(outputs)
    })
}

struct Server {
    router: Router,
    table: Arc<ModelTable>,
    log: Arc<MockLog>,
    refused: Arc<Refused>,
}

/// Remembers what was refused, by model and code.
#[derive(Debug, Default)]
struct Refused(Mutex<BTreeMap<(String, &'static str), usize>>);

impl RequestRecorder for Refused {
    fn refused(&self, model: Option<&Arc<ModelId>>, error: &Error) {
        let model = model.map_or_else(|| "unknown".into(), ToString::to_string);
        *self.0.lock().entry((model, error.code())).or_default() += 1;
    }
}

/// `arithmetic` in version 1 and 2, of which 2 is being loaded.
fn server() -> Server {
    let table = Arc::new(ModelTable::new());
    let session = arithmetic();
    table.publish(batcher(id("arithmetic", "1"), &session));
    table.announce(&id("arithmetic", "2"));
    let refused = Arc::new(Refused::default());
    let recorder = Arc::<Refused>::clone(&refused);
    let options = oip::RestOptions::default().with_max_body_bytes(4096).with_recorder(recorder);
    let router = oip::router(Arc::<ModelTable>::clone(&table), options)
        .merge(health::router(Arc::<ModelTable>::clone(&table)));
    Server { router, table, log: session.log(), refused }
}

impl Server {
    fn with(self, name: &str, session: &MockSession) -> Self {
        self.table.publish(batcher(id(name, "1"), session));
        self
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn infer(&self, model: &str, body: &Value) -> Answer {
        self.infer_bytes(model, body.to_string().into(), None).await
    }

    async fn infer_bytes(&self, model: &str, body: Bytes, json_length: Option<&str>) -> Answer {
        let mut request = Request::post(format!("/v2/models/{model}/infer"));
        if let Some(length) = json_length {
            request = request.header("Inference-Header-Content-Length", length);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let headers = parts.headers;
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: parts.status,
            content_type: header("content-type"),
            json_length: header("inference-header-content-length")
                .map(|text| text.parse().unwrap()),
            allow: header("allow"),
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    content_type: Option<String>,
    json_length: Option<usize>,
    allow: Option<String>,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body[..self.json_length.unwrap_or(self.body.len())]).unwrap()
    }

    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The error's text, after checking that it is an error of this status in the protocol's form.
    #[track_caller]
    fn error(&self, status: u16) -> String {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(self.content_type.as_deref(), Some("application/json"));
        let json = self.json();
        assert_eq!(json.as_object().unwrap().len(), 1, "{text}");
        json["error"].as_str().unwrap().to_owned()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes it in place")]
fn tensor(name: &str, shape: &[i64], data: Value) -> Value {
    json!({ "name": name, "datatype": "FP32", "shape": shape, "data": data })
}

fn good() -> Value {
    json!({ "inputs": [
        tensor("a", &[2, 2], json!([1, 2, 3, 4])),
        tensor("b", &[2, 2], json!([[10.5, 20], [30, 40]])),
    ]})
}

/// A request with binary data: the JSON, and the bytes behind it.
fn binary(json: &Value, tensors: &[&[u8]]) -> (Bytes, String) {
    let mut body = json.to_string().into_bytes();
    let length = body.len().to_string();
    tensors.iter().for_each(|tensor| body.extend_from_slice(tensor));
    (body.into(), length)
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

// ---- routes

#[tokio::test]
async fn server_and_model_metadata() {
    let server = server();
    let metadata = server.get("/v2").await.ok().json();
    assert_eq!(metadata["name"], "mlops-serve");
    assert_eq!(metadata["extensions"], json!(["binary_tensor_data", "parameters"]));
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
    let host = Router::new()
        .nest("/one", server().router)
        .nest("/two", server().router)
        .route("/", axum::routing::get(async || "the host's own"));
    for path in ["/", "/one/v2/models/arithmetic", "/two/v2/models/arithmetic"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(host.clone().oneshot(request).await.unwrap().status(), StatusCode::OK, "{path}");
    }
}

// ---- forms

#[tokio::test]
async fn json_in_and_out() {
    let server = server();
    let answer = server.infer("arithmetic", &good()).await.ok();
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert_eq!(answer.json_length, None);
    let expected = json!({
        "model_name": "arithmetic",
        "model_version": "1",
        "outputs": [
            { "name": "sum", "datatype": "FP32", "shape": [2, 2], "data": [11.5, 22.0, 33.0, 44.0] },
            { "name": "product", "datatype": "FP32", "shape": [2, 2], "data": [10.5, 40.0, 90.0, 160.0] },
        ],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn id_requested_outputs_and_unknown_fields() {
    let server = server();
    let mut body = good();
    body["id"] = json!("request \"1\"");
    body["outputs"] = json!([{ "name": "product", "parameters": { "future": 1 } }]);
    body["parameters"] = json!({ "priority": 2, "anything": "goes", "ratio": 0.5 });
    body["new_in_v3"] = json!({ "nested": [1, 2] });
    let answer = server.infer("arithmetic", &body).await.ok().json();
    assert_eq!(answer["id"], "request \"1\"");
    let names: Vec<_> = answer["outputs"].as_array().unwrap().iter().map(|o| &o["name"]).collect();
    assert_eq!(names, ["product"]);
}

#[tokio::test]
async fn binary_in_and_out_and_mixed() {
    let server = server();
    let input = |name: &str| json!({ "name": name, "datatype": "FP32", "shape": [1, 2], "parameters": { "binary_data_size": 8 } });
    let (a, b) = (f32s(&[1.0, 2.0]), f32s(&[3.0, 5.0]));
    let all =
        json!({ "inputs": [input("a"), input("b")], "parameters": { "binary_data_output": true } });
    let (body, length) = binary(&all, &[&a, &b]);
    let answer = server.infer_bytes("arithmetic", body, Some(&length)).await.ok();
    assert_eq!(answer.content_type.as_deref(), Some("application/octet-stream"));
    let json = answer.json();
    assert_eq!(json["outputs"][0]["parameters"]["binary_data_size"], 8);
    assert!(json["outputs"][0].get("data").is_none());
    let expected = [f32s(&[4.0, 7.0]), f32s(&[3.0, 10.0])].concat();
    assert_eq!(answer.body[answer.json_length.unwrap()..], expected);

    // One input in each form; one output in each form, the other way round than asked for by default.
    let mixed = json!({
        "inputs": [tensor("a", &[1, 2], json!([1, 2])), input("b")],
        "outputs": [
            { "name": "product", "parameters": { "binary_data": false } },
            { "name": "sum" },
        ],
        "parameters": { "binary_data_output": true },
    });
    let (body, length) = binary(&mixed, &[&b]);
    let answer = server.infer_bytes("arithmetic", body, Some(&length)).await.ok();
    let json = answer.json();
    assert_eq!(json["outputs"][0]["data"], json!([3.0, 10.0]));
    assert_eq!(json["outputs"][1]["parameters"]["binary_data_size"], 8);
    assert_eq!(answer.body[answer.json_length.unwrap()..], f32s(&[4.0, 7.0]));
}

#[tokio::test]
async fn an_empty_binary_tensor_still_says_its_size() {
    let server = server();
    let input = |name: &str| json!({ "name": name, "datatype": "FP32", "shape": [0, 2], "parameters": { "binary_data_size": 0 } });
    let json =
        json!({ "inputs": [input("a"), input("b")], "parameters": { "binary_data_output": true } });
    let (body, length) = binary(&json, &[]);
    let answer = server.infer_bytes("arithmetic", body, Some(&length)).await.ok();
    assert_eq!(answer.json()["outputs"][0]["parameters"]["binary_data_size"], 0);
    assert_eq!(answer.json_length, Some(answer.body.len()));
}

#[tokio::test]
async fn every_type_in_json() {
    let cases = [
        (DataType::Bool, json!([true, false])),
        (DataType::U8, json!([0, 255])),
        (DataType::U16, json!([0, 65535])),
        (DataType::U32, json!([0, u32::MAX])),
        (DataType::U64, json!([(1_u64 << 53) + 1, u64::MAX])),
        (DataType::I8, json!([-128, 127])),
        (DataType::I16, json!([-32768, 32767])),
        (DataType::I32, json!([i32::MIN, i32::MAX])),
        (DataType::I64, json!([i64::MIN, i64::MAX])),
        (DataType::F32, json!([0.5, 16_777_216.0])),
        (DataType::F64, json!([0.1, 5e-324])),
        (DataType::Bytes, json!(["ä \u{0} \"", ""])),
    ];
    for (data_type, data) in cases {
        let server = server().with("identity", &identity(data_type, &[Dim::Unknown, Dim::Unknown]));
        for shape in [[2, 1], [1, 2]] {
            let input =
                json!({ "name": "x", "datatype": data_type.name(), "shape": shape, "data": data });
            let answer = server.infer("identity", &json!({ "inputs": [input] })).await.ok();
            // As text too: a comparison of floats would accept the one beside.
            let expected = format!("\"data\":{data}");
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            assert!(text.contains(&expected), "{data_type}: {text} lacks {expected}");
        }
    }
}

#[tokio::test]
async fn single_floats_are_written_as_short_as_they_are_read() {
    let server = server().with("identity", &identity(DataType::F32, &[Dim::Unknown]));
    let body = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[0.1,3.4028235e38,1e-45]}]}"#;
    let answer = server.infer_bytes("identity", body.into(), None).await.ok();
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains(r#""data":[0.1,3.4028235e+38,1e-45]"#), "{text}");
}

#[tokio::test]
async fn scalars_have_an_empty_shape() {
    let server = server().with("scalar", &identity(DataType::F64, &[]));
    let input = json!({ "name": "x", "datatype": "FP64", "shape": [], "data": [2.5] });
    let answer = server.infer("scalar", &json!({ "inputs": [input] })).await.ok().json();
    assert_eq!(
        answer["outputs"][0],
        json!({ "name": "y", "datatype": "FP64", "shape": [], "data": [2.5] })
    );
}

#[tokio::test]
async fn binary_strings_and_half_floats() {
    let server = server()
        .with("strings", &identity(DataType::Bytes, &[Dim::Unknown]))
        .with("half", &identity(DataType::Bf16, &[Dim::Unknown]));
    let wire = b"\x03\0\0\0a\0\xff\0\0\0\0";
    for (model, datatype, bytes) in
        [("strings", "BYTES", &wire[..]), ("half", "BF16", b"\x80\x3f\0\xc0")]
    {
        let input = json!({ "name": "x", "datatype": datatype, "shape": [2], "parameters": { "binary_data_size": bytes.len() } });
        let json = json!({ "inputs": [input], "parameters": { "binary_data_output": true } });
        let (body, length) = binary(&json, &[bytes]);
        let answer = server.infer_bytes(model, body.clone(), Some(&length)).await.ok();
        assert_eq!(answer.body[answer.json_length.unwrap()..], *bytes);
        // As JSON there is no way to say it: the error says what to do.
        let as_json = json!({ "inputs": json["inputs"] });
        let (body, length) = binary(&as_json, &[bytes]);
        let error = server.infer_bytes(model, body, Some(&length)).await.error(501);
        assert!(error.contains("`y`") && error.contains("binary"), "{error}");
    }
}

#[tokio::test]
async fn nan_and_infinity_go_as_binary_only() {
    let server = server().with("identity", &identity(DataType::F32, &[Dim::Unknown]));
    let bytes = f32s(&[f32::NAN, f32::NEG_INFINITY]);
    let input = json!({ "name": "x", "datatype": "FP32", "shape": [2], "parameters": { "binary_data_size": 8 } });
    let (body, length) = binary(&json!({ "inputs": [input] }), &[&bytes]);
    let error = server.infer_bytes("identity", body, Some(&length)).await.error(501);
    assert!(error.contains("NaN") && error.contains("binary"), "{error}");
    let wanted = json!({ "inputs": [input], "parameters": { "binary_data_output": true } });
    let (body, length) = binary(&wanted, &[&bytes]);
    let answer = server.infer_bytes("identity", body, Some(&length)).await.ok();
    assert_eq!(answer.body[answer.json_length.unwrap()..], bytes);
}

// ---- bad input

#[tokio::test]
async fn every_bad_request_is_refused_and_reaches_no_session() {
    let server = server();
    let a = || tensor("a", &[1, 2], json!([1, 2]));
    let b = |shape: &[i64], data: Value| json!({ "inputs": [a(), tensor("b", shape, data)] });
    let with = |key: &str, value: Value| {
        let mut input = tensor("b", &[1, 2], json!([1, 2]));
        input[key] = value;
        json!({ "inputs": [a(), input] })
    };
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_parameter =
        format!(r#"{{"inputs":[],"x":{}1{}}}"#, "[".repeat(1500), "]".repeat(1500));
    let cases: Vec<(&str, String, u16, &str)> = vec![
        ("no body", String::new(), 400, "JSON"),
        ("not JSON", "inputs".into(), 400, "JSON"),
        ("an array", "[]".into(), 400, "JSON"),
        ("cut off", r#"{"inputs":[{"name":"a","#.into(), 400, "JSON"),
        ("more after the end", format!("{} x", good()), 400, "JSON"),
        ("no inputs", "{}".into(), 400, "inputs"),
        (
            "an input missing",
            json!({ "inputs": [a()] }).to_string(),
            400,
            "`b`: expected FP32[batch,2], got nothing",
        ),
        ("an input twice", json!({ "inputs": [a(), a()] }).to_string(), 400, "`a`"),
        ("an unknown input", with("name", json!("c")).to_string(), 400, "`c`: expected only a, b"),
        (
            "another type",
            with("datatype", json!("INT64")).to_string(),
            400,
            "`b`: expected FP32[batch,2], got INT64[1,2]",
        ),
        ("no such type", with("datatype", json!("FP8")).to_string(), 400, "`FP8`"),
        (
            "another rank",
            b(&[2], json!([1, 2])).to_string(),
            400,
            "`b`: expected FP32[batch,2], got FP32[2]",
        ),
        (
            "another fixed size",
            b(&[1, 3], json!([1, 2, 3])).to_string(),
            400,
            "`b`: expected FP32[batch,2], got FP32[1,3]",
        ),
        ("a negative size", b(&[-1, 2], json!([1, 2])).to_string(), 400, "[-1, 2]"),
        ("an overflowing size", b(&[i64::MAX, 2], json!([1, 2])).to_string(), 400, "`b`"),
        (
            "symbols that differ",
            b(&[2, 2], json!([1, 2, 3, 4])).to_string(),
            400,
            "batch = 1 as in `a`",
        ),
        ("too few elements", b(&[1, 2], json!([1])).to_string(), 400, "1 elements"),
        (
            "too many elements",
            b(&[1, 2], json!([1, 2, 3])).to_string(),
            400,
            "more than 2 elements",
        ),
        ("a string", b(&[1, 2], json!([1, "2"])).to_string(), 400, "a number that fits f32"),
        ("null", b(&[1, 2], json!([1, null])).to_string(), 400, "`b`"),
        ("an object", b(&[1, 2], json!([{ "a": 1 }, 2])).to_string(), 400, "`b`"),
        ("not an array", b(&[1, 2], json!(1)).to_string(), 400, "1 elements"),
        ("nested too deep", b(&[1, 2], json!([[[1, 2]]])).to_string(), 400, "nested deeper"),
        ("infinite as FP32", b(&[1, 2], json!([1, 1e39])).to_string(), 400, "`b`"),
        ("infinite as FP64", good().to_string().replace("10.5", "1e999"), 400, "out of range"),
        ("NaN", good().to_string().replace("10.5", "NaN"), 400, "JSON"),
        ("Infinity", good().to_string().replace("10.5", "-Infinity"), 400, "JSON"),
        ("JSON 1500 deep", deep_parameter, 400, "deeper than 64"),
        ("neither data nor size", with("data", Value::Null).to_string(), 400, "neither"),
        (
            "both data and size",
            with("parameters", json!({ "binary_data_size": 8 })).to_string(),
            400,
            "both",
        ),
        (
            "shared memory in",
            with("parameters", json!({ "shared_memory_region": "r" })).to_string(),
            501,
            "`b`",
        ),
        (
            "an unknown output",
            {
                let mut body = good();
                body["outputs"] = json!([{ "name": "z" }]);
                body.to_string()
            },
            400,
            "`z`: expected an output of the model (sum, product)",
        ),
        (
            "an output twice",
            {
                let mut body = good();
                body["outputs"] = json!([{ "name": "sum" }, { "name": "sum" }]);
                body.to_string()
            },
            400,
            "`sum`",
        ),
        (
            "classification",
            {
                let mut body = good();
                body["outputs"] = json!([{ "name": "sum", "parameters": { "classification": 3 } }]);
                body.to_string()
            },
            501,
            "classification",
        ),
        (
            "too many rows",
            {
                let rows = json!([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                json!({ "inputs": [tensor("a", &[5, 2], rows.clone()), tensor("b", &[5, 2], rows)] }).to_string()
            },
            413,
            "batch (rows) of 5 is over the limit of 4",
        ),
        ("too large", " ".repeat(4097), 413, "4096"),
        (
            "10000 deep",
            b(&[1, 2], json!([1, 2])).to_string().replace("[1,2]}", &format!("{deep}}}")),
            413,
            "4096",
        ),
    ];
    for (what, body, status, says) in cases {
        let error = server.infer_bytes("arithmetic", body.into(), None).await.error(status);
        assert!(error.contains(says), "{what}: `{error}` does not say `{says}`");
    }
    assert_eq!(server.log.runs(), [0; 0], "a bad request reached the session");
    server.infer("arithmetic", &good()).await.ok();
}

#[tokio::test]
async fn integers_out_of_range_are_refused() {
    for (data_type, bad) in [
        (DataType::U8, json!([256])),
        (DataType::U8, json!([-1])),
        (DataType::I8, json!([128])),
        (DataType::I64, json!([u64::MAX])),
        (DataType::U64, json!([-1])),
        (DataType::I32, json!([1.0])),
        (DataType::Bool, json!([1])),
        (DataType::Bytes, json!([1])),
        (DataType::F16, json!([1.0])),
    ] {
        let server = server().with("identity", &identity(data_type, &[Dim::Unknown]));
        let input = json!({ "name": "x", "datatype": data_type.name(), "shape": [1], "data": bad });
        let error = server.infer("identity", &json!({ "inputs": [input] })).await.error(400);
        assert!(error.contains("`x`"), "{data_type}: {error}");
    }
}

#[tokio::test]
async fn every_bad_binary_body_is_refused() {
    let server = server();
    let inputs = |sizes: [i64; 2]| {
        let input = |name: &str, size: i64| json!({ "name": name, "datatype": "FP32", "shape": [1, 2], "parameters": { "binary_data_size": size } });
        json!({ "inputs": [input("a", sizes[0]), input("b", sizes[1])] })
    };
    let zeros = [0; 64];
    for (what, sizes, bytes, says) in [
        (
            "truncated",
            [8, 8],
            15,
            "`b`: expected 8 bytes of binary data, got a body with 7 bytes left",
        ),
        ("left over", [8, 8], 17, "1 bytes are left over"),
        ("of another length than the shape", [12, 8], 20, "`a`"),
        ("of a huge claimed size", [8, i64::MAX], 16, "`b`"),
        ("of a negative size", [8, -1], 16, "JSON"),
    ] {
        let (body, length) = binary(&inputs(sizes), &[&zeros[..bytes]]);
        let error = server.infer_bytes("arithmetic", body, Some(&length)).await.error(400);
        assert!(error.contains(says), "{what}: `{error}` does not say `{says}`");
    }
    let (body, length) = binary(&inputs([8, 8]), &[&zeros[..16]]);
    for (header, says) in [
        ("0", "JSON"),
        ("1000000", "1000000"),
        ("-1", "length"),
        ("ten", "length"),
        ("99999999999999999999", "length"),
        (&(length.parse::<usize>().unwrap() - 1).to_string(), "JSON"),
    ] {
        let error = server.infer_bytes("arithmetic", body.clone(), Some(header)).await.error(400);
        assert!(error.contains(says), "{header}: `{error}` does not say `{says}`");
    }
    // Without the header everything is JSON.
    server.infer_bytes("arithmetic", body, None).await.error(400);

    let strings = server.with("strings", &identity(DataType::Bytes, &[Dim::Unknown]));
    for (wire, says) in [
        (&b"\x01\0\0"[..], "3 bytes"),
        (b"\x05\0\0\0ab", "string 0 of 5 bytes"),
        (b"\x01\0\0\0ab", "1 bytes left over"),
    ] {
        let input = json!({ "name": "x", "datatype": "BYTES", "shape": [1], "parameters": { "binary_data_size": wire.len() } });
        let (body, length) = binary(&json!({ "inputs": [input] }), &[wire]);
        let error = strings.infer_bytes("strings", body, Some(&length)).await.error(400);
        assert!(error.contains(says) && error.contains("`x`"), "`{error}` does not say `{says}`");
    }
    assert_eq!(strings.log.runs(), [0; 0], "a bad request reached the session");
}

#[tokio::test]
async fn compressed_bodies_are_refused_with_the_way_out() {
    let server = server();
    let request = Request::post("/v2/models/arithmetic/infer")
        .header("Content-Encoding", "gzip")
        .body(Body::from(good().to_string()))
        .unwrap();
    let error = server.send(request).await.error(501);
    assert!(error.contains("gzip"), "{error}");
}

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
    let error = server.infer("arithmetic", &body).await.error(504);
    assert!(error.contains("deadline"), "{error}");
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

//! Servers that do not keep to the protocol.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mlops_core::{Error, inference::Predict};
use mlops_serve::remote::RemoteOptions;
use tokio::sync::Notify;

use crate::{
    request,
    scripted::{Script, Scripted, http},
};

const HALVES: [u8; 16] = [0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f];

async fn result(script: Script) -> mlops_core::Result<mlops_core::tensor::NamedTensors> {
    let server = Scripted::start(script).await;
    let options = RemoteOptions::default().with_max_response_bytes(4096);
    let remote = server.connect(options).await.unwrap();
    Ok(remote.predict(request()).await?.outputs)
}

/// An answer of this JSON with these bytes behind it.
fn binary(json: &str, json_length: usize, bytes: &[u8]) -> Script {
    let headers = format!("Inference-Header-Content-Length: {json_length}\r\n");
    Script::Bytes(http("200 OK", &headers, &[json.as_bytes(), bytes].concat()))
}

fn output(name: &str, data_type: &str, shape: &str, rest: &str) -> String {
    format!(
        r#"{{"outputs":[{{"name":"{name}","datatype":"{data_type}","shape":{shape},{rest}}}]}}"#
    )
}

fn good() -> String {
    output("y", "FP32", "[1,4]", r#""parameters":{"binary_data_size":16}"#)
}

#[tokio::test]
async fn both_forms_of_data_are_read() {
    let json = output("y", "FP32", "[1,4]", r#""data":[[0.5,0.5,0.5,0.5]],"odd":{}"#);
    let plain = Script::Bytes(http("200 OK", "", json.as_bytes()));
    for script in [plain, binary(&good(), good().len(), &HALVES)] {
        let outputs = result(script).await.unwrap();
        let y = outputs.require("y").unwrap().clone().into_aligned();
        assert_eq!(y.as_slice::<f32>().unwrap(), [0.5; 4]);
    }
}

#[tokio::test]
async fn malformed_answers_are_the_servers_fault() {
    let plain = |body: &str| Script::Bytes(http("200 OK", "", body.as_bytes()));
    let sized = |size: i64| {
        let parameters = format!(r#""parameters":{{"binary_data_size":{size}}}"#);
        let json = output("y", "FP32", "[1,4]", &parameters);
        binary(&json, json.len(), &HALVES)
    };
    let of = |name, data_type, shape| {
        let json = output(name, data_type, shape, r#""parameters":{"binary_data_size":16}"#);
        binary(&json, json.len(), &HALVES)
    };
    let doubled = format!(
        r#"{{"outputs":[{0},{0}]}}"#,
        r#"{"name":"y","datatype":"FP32","shape":[1,4],"parameters":{"binary_data_size":16}}"#
    );
    let wrong_header = http("200 OK", "Inference-Header-Content-Length: ten\r\n", b"{}");
    for (what, script) in [
        ("a page", plain("<html><body>It works!</body></html>")),
        ("nothing", plain("")),
        ("another object", plain(r#"{"result":[1]}"#)),
        ("no output", plain(r#"{"outputs":[]}"#)),
        ("JSON 200 deep", plain(&format!("{{\"outputs\":{}", "[".repeat(200)))),
        ("no data", plain(&output("y", "FP32", "[1,4]", r#""odd":1"#))),
        ("too few numbers", plain(&output("y", "FP32", "[1,4]", r#""data":[1,2,3]"#))),
        ("words for numbers", plain(&output("y", "FP32", "[1,4]", r#""data":["a","b","c","d"]"#))),
        ("another name", of("z", "FP32", "[1,4]")),
        ("another type", of("y", "INT32", "[1,4]")),
        ("no type", of("y", "FP33", "[1,4]")),
        ("another rank", of("y", "FP32", "[4]")),
        ("another size", of("y", "FP32", "[1,5]")),
        ("more rows", of("y", "FP32", "[2,4]")),
        ("a negative size", of("y", "FP32", "[-1,4]")),
        ("sizes that overflow", of("y", "FP32", "[9223372036854775807,4]")),
        ("one output twice", binary(&doubled, doubled.len(), &[HALVES, HALVES].concat())),
        ("too few bytes", sized(15)),
        ("more bytes than there are", sized(1 << 40)),
        ("a negative length", sized(-1)),
        ("bytes left over", binary(&good(), good().len(), &[0; 17])),
        ("a length beyond the body", binary(&good(), good().len() + 17, &HALVES)),
        ("a length within the JSON", binary(&good(), good().len() - 1, &HALVES)),
        ("no length", Script::Bytes(wrong_header)),
        ("no HTTP", Script::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
        ("a connection closed at once", Script::Bytes(vec![])),
        (
            "a body cut off",
            Script::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()),
        ),
        ("a redirect", Script::Bytes(http("302 Found", "Location: http://127.0.0.1:1/\r\n", b""))),
    ] {
        let error = result(script).await.unwrap_err();
        assert_eq!(error.code(), "backend", "{what}: {}", error.report());
    }
}

#[tokio::test]
async fn an_answer_cut_anywhere_is_no_answer() {
    let json = good();
    let whole = [json.as_bytes(), &HALVES].concat();
    for length in 0..whole.len() {
        let headers = format!("Inference-Header-Content-Length: {}\r\n", json.len());
        let part = http("200 OK", &headers, &whole[..length]);
        let error = result(Script::Bytes(part)).await.unwrap_err();
        assert_eq!(error.code(), "backend", "{length}: {}", error.report());
    }
}

#[tokio::test]
async fn errors_in_other_forms_keep_their_status() {
    for (status, body, code, text) in [
        ("502 Bad Gateway", "<html>nginx</html>", "backend", "nginx"),
        ("503 Service Unavailable", "<html>nginx</html>", "unavailable", "nginx"),
        ("429 Too Many Requests", "", "overloaded", "full"),
        (
            "400 Bad Request",
            r#"{"error":"unexpected size"}"#,
            "invalid_argument",
            "unexpected size",
        ),
        ("500 Internal Server Error", r#"{"detail":"boom"}"#, "backend", "boom"),
    ] {
        let error = result(Script::Bytes(http(status, "", body.as_bytes()))).await.unwrap_err();
        assert_eq!(error.code(), code, "{}", error.report());
        assert!(error.report().contains(text), "{}", error.report());
    }
}

#[tokio::test]
async fn huge_answers_are_not_read() {
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"400\r\n".to_vec(), vec![b' '; 1024], b"\r\n".to_vec()].concat();
    for script in [Script::Bytes(announced), Script::Endless(chunked.clone(), chunk.clone())] {
        let error = result(script).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 4096, .. }), "{}", error.report());
    }
    // An endless error is an error.
    let refusal = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let error = result(Script::Endless(refusal, chunk)).await.unwrap_err();
    assert_eq!(error.code(), "unavailable", "{}", error.report());
}

async fn silent() -> (Scripted, Arc<Notify>, Arc<Notify>) {
    let (asked, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = Script::Silence { asked: Arc::clone(&asked), gone: Arc::clone(&gone) };
    (Scripted::start(script).await, asked, gone)
}

#[tokio::test]
async fn a_server_that_never_answers_meets_the_deadline_and_loses_the_connection() {
    let (server, asked, gone) = silent().await;
    let remote = server.connect(RemoteOptions::default()).await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = remote.predict(request().with_deadline(deadline)).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert!(Instant::now() >= deadline);
    asked.notified().await;
    gone.notified().await;

    // Without a deadline, the limit of the options.
    let options =
        RemoteOptions::default().with_timeouts(Duration::from_secs(5), Duration::from_millis(200));
    let remote = server.connect(options).await.unwrap();
    let error = remote.predict(request()).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    asked.notified().await;
    gone.notified().await;
}

#[tokio::test]
async fn dropping_the_future_closes_the_request() {
    let (server, asked, gone) = silent().await;
    let remote = Arc::new(server.connect(RemoteOptions::default()).await.unwrap());
    for _ in 0..3 {
        let running = tokio::spawn({
            let remote = Arc::clone(&remote);
            async move { remote.predict(request()).await }
        });
        asked.notified().await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        gone.notified().await;
    }
}

#[tokio::test]
async fn metadata_that_makes_no_sense_is_refused() {
    let tensor = r#"{"name":"x","datatype":"FP32","shape":[-1,4]}"#;
    for metadata in [
        "<html>".to_owned(),
        "{}".to_owned(),
        format!(r#"{{"inputs":[{tensor},{tensor}],"outputs":[{tensor}]}}"#),
        format!(r#"{{"inputs":[{tensor}],"outputs":[{}]}}"#, tensor.replace("FP32", "FP33")),
        format!(r#"{{"inputs":[{tensor}],"outputs":{tensor}}}"#),
    ] {
        let script = Script::Bytes(vec![]);
        let server = Scripted::with_metadata(script, metadata.clone()).await;
        let error = server.connect(RemoteOptions::default()).await.unwrap_err();
        assert_eq!(error.code(), "backend", "{metadata}: {}", error.report());
    }
    // A server without versions has one.
    let unversioned = format!(r#"{{"inputs":[{tensor}],"outputs":[{tensor}]}}"#);
    let server = Scripted::with_metadata(Script::Bytes(vec![]), unversioned).await;
    let remote = server.connect(RemoteOptions::default()).await.unwrap();
    assert_eq!(remote.descriptor().id.version.get(), 1);
}

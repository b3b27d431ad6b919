//! The OpenAPI document describes what is really answered.

use serde_json::{Value, json};

use crate::{
    mock::{arithmetic, counted, id},
    support::{good, server},
};

/// Checks a value against a schema, as far as the document uses JSON Schema. Properties that are not
/// described are faults too, where any are.
fn check(document: &Value, schema: &Value, value: &Value, path: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        return check(document, target, value, path);
    }
    let is_typed = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        other => panic!("{path}: the test does not know {other:?}"),
    };
    assert!(is_typed, "{path}: {value} is no {}", schema["type"]);
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{path}: {value}");
    }
    if let Some(minimum) = schema["minimum"].as_i64() {
        assert!(value.as_i64().unwrap() >= minimum, "{path}: {value}");
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(required.as_str().unwrap()).is_some(), "{path} lacks {required}");
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (key, inner) in value.as_object().unwrap() {
            let described = properties.get(key);
            let described = described.unwrap_or_else(|| panic!("{path}.{key} is not described"));
            check(document, described, inner, &format!("{path}.{key}"));
        }
    }
    if let Some(items) = schema.get("items") {
        for (index, inner) in value.as_array().unwrap().iter().enumerate() {
            check(document, items, inner, &format!("{path}[{index}]"));
        }
    }
}

#[tokio::test]
async fn answers_are_as_the_document_says() {
    let server = server();
    server.table.publish(counted(id("counted", "1"), &arithmetic()));
    server.infer("counted", &good()).await.ok();
    let document = server.get("/v2/openapi.json").await.ok().json();
    assert_eq!(document["openapi"], "3.1.0");
    let schema = |path: &str, method: &str, status: &str| -> Value {
        let response = &document["paths"][path][method]["responses"][status];
        let response = match response["$ref"].as_str() {
            Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => response,
        };
        response["content"]["application/json"]["schema"].clone()
    };
    for path in [
        "/v2",
        "/v2/openapi.json",
        "/v2/health/live",
        "/v2/models",
        "/v2/models/stats",
        "/v2/models/{model}",
        "/v2/models/{model}/versions/{version}",
        "/v2/models/{model}/ready",
        "/v2/models/{model}/versions/{version}/ready",
        "/v2/models/{model}/config",
        "/v2/models/{model}/versions/{version}/config",
        "/v2/models/{model}/stats",
        "/v2/models/{model}/versions/{version}/stats",
    ] {
        let asked = path.replace("{model}", "counted").replace("{version}", "1");
        let answer = server.get(&asked).await.ok().json();
        check(&document, &schema(path, "get", "200"), &answer, path);
    }
    let index = server.post("/v2/repository/index", "").await.ok().json();
    check(&document, &schema("/v2/repository/index", "post", "200"), &index, "index");
    let infer = "/v2/models/{model}/infer";
    let mut body = good();
    body["id"] = json!("7");
    let answer = server.infer("arithmetic", &body).await.ok().json();
    // JSON Schema has no word for the elements: they depend on the type.
    check(&document, &schema(infer, "post", "200"), &answer, "infer");
    let refused = server.infer("arithmetic", &json!({})).await;
    check(&document, &schema(infer, "post", "400"), &refused.json(), "refused");
    let unready = server.get("/v2/health/ready").await;
    assert_eq!(unready.status, 503);
    check(&document, &schema("/v2/health/ready", "get", "503"), &unready.json(), "unready");
}

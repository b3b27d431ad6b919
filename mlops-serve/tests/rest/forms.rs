//! JSON and binary data, of every type.

use mlops_core::{signature::Dim, tensor::DataType};
use serde_json::json;

use crate::{
    mock::identity,
    support::{binary, f32s, good, server, tensor},
};

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
    let input = json!({ "name": "x", "datatype": "FP64", "shape": [], "parameters": { "binary_data_size": 8 } });
    let json = json!({ "inputs": [input], "parameters": { "binary_data_output": true } });
    let (body, length) = binary(&json, &[&2.5_f64.to_le_bytes()]);
    let answer = server.infer_bytes("scalar", body, Some(&length)).await.ok();
    assert_eq!(answer.body[answer.json_length.unwrap()..], 2.5_f64.to_le_bytes());
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
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (data_type, bytes) in [
            (DataType::F32, number.to_le_bytes().to_vec()),
            (DataType::F64, f64::from(number).to_le_bytes().to_vec()),
        ] {
            let server = server().with("identity", &identity(data_type, &[Dim::Unknown]));
            let input = json!({ "name": "x", "datatype": data_type.name(), "shape": [1], "parameters": { "binary_data_size": bytes.len() } });
            let (body, length) = binary(&json!({ "inputs": [input] }), &[&bytes]);
            let error = server.infer_bytes("identity", body, Some(&length)).await.error(501);
            assert!(error.contains("NaN") && error.contains("binary"), "{error}");
            let wanted = json!({ "inputs": [input], "parameters": { "binary_data_output": true } });
            let (body, length) = binary(&wanted, &[&bytes]);
            let answer = server.infer_bytes("identity", body, Some(&length)).await.ok();
            assert_eq!(answer.body[answer.json_length.unwrap()..], bytes);
        }
    }
}

#[tokio::test]
async fn tensors_without_elements_in_json() {
    let server = server().with("identity", &identity(DataType::F32, &[Dim::Unknown, Dim::Unknown]));
    for (shape, data) in
        [([0, 2], json!([])), ([2, 0], json!([])), ([2, 0], json!([[], []])), ([0, 0], json!([]))]
    {
        let input = json!({ "name": "x", "datatype": "FP32", "shape": shape, "data": data });
        let answer = server.infer("identity", &json!({ "inputs": [input] })).await.ok().json();
        let output = &answer["outputs"][0];
        assert_eq!((&output["shape"], &output["data"]), (&json!(shape), &json!([])));
    }
}

#[tokio::test]
async fn a_raw_request_is_the_bytes_of_the_only_input() {
    use Dim::{Fixed, Symbolic, Unknown};
    let batch = || Symbolic("batch".into());
    let numbers = f32s(&[1.0, 2.0, 3.0, 4.0]);
    for (data_type, shape, bytes, deduced, sent_back) in [
        (DataType::F32, vec![batch(), Unknown], &numbers[..], json!([1, 4]), &numbers[..]),
        (DataType::F32, vec![batch(), Fixed(4)], &numbers, json!([1, 4]), &numbers),
        (DataType::F32, vec![Fixed(2), Unknown], &numbers, json!([2, 2]), &numbers),
        (DataType::Bytes, vec![batch(), Fixed(1)], b"ab", json!([1, 1]), b"\x02\0\0\0ab"),
    ] {
        let server = server().with("identity", &identity(data_type, &shape));
        let body = axum::body::Bytes::copy_from_slice(bytes);
        let answer = server.infer_bytes("identity", body, Some("0")).await.ok();
        assert_eq!(answer.json()["outputs"][0]["shape"], deduced);
        assert_eq!(answer.body[answer.json_length.unwrap()..], *sent_back);
    }
}

//! Every kind of bad request: refused with its reason, before a session sees it.

use mlops_core::{signature::Dim, tensor::DataType};
use serde_json::{Value, json};

use crate::{
    mock::identity,
    support::{binary, good, server, tensor},
};

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
    let parameter = |key: &str, value: Value| {
        let mut body = good();
        body["parameters"] = json!({ key: value });
        body.to_string()
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
                body["outputs"] = json!([{ "name": "sum", "parameters": { "classification": 0 } }]);
                body.to_string()
            },
            400,
            "classification",
        ),
        ("a reserved parameter", parameter("triton_x", json!(1)), 400, "`triton_x`"),
        ("a negative priority", parameter("priority", json!(-1)), 400, "priority"),
        (
            "a priority that is too large",
            parameter("priority", json!(1_u64 << 32)),
            400,
            "priority",
        ),
        ("a priority in words", parameter("priority", json!("high")), 400, "priority"),
        ("half a timeout", parameter("timeout", json!(0.5)), 400, "timeout"),
        ("a negative timeout", parameter("timeout", json!(-1)), 400, "timeout"),
        ("a parameter that is an object", parameter("x", json!({})), 400, "JSON"),
        (
            "shared memory out",
            {
                let mut body = good();
                body["outputs"] =
                    json!([{ "name": "sum", "parameters": { "shared_memory_region": "r" } }]);
                body.to_string()
            },
            501,
            "`sum`",
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
        ("0", "Raw request must only have 1 input (found 1) to be deduced but got 2 inputs in"),
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
async fn raw_requests_that_leave_the_shape_open_are_refused() {
    use Dim::{Fixed, Symbolic, Unknown};
    let batch = || Symbolic("batch".into());
    for (data_type, shape, bytes, says) in [
        (
            DataType::F32,
            vec![batch(), Unknown, Unknown],
            16,
            "The shape of the raw input 'x' can not be deduced because there are more than one \
             variable-sized dimension",
        ),
        (
            DataType::Bytes,
            vec![batch(), Fixed(2)],
            16,
            "For BYTE datatype raw input 'x', the model must have input shape [1]",
        ),
        (DataType::F32, vec![batch(), Fixed(2)], 16, "FP32[1, 2]"),
        (DataType::F32, vec![batch(), Unknown], 6, "whole elements"),
        (DataType::F32, vec![Fixed(0), Unknown], 8, "whole elements"),
    ] {
        let server = server().with("identity", &identity(data_type, &shape));
        let body = vec![0; bytes].into();
        let error = server.infer_bytes("identity", body, Some("0")).await.error(400);
        assert!(error.contains(says), "`{error}` does not say `{says}`");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Never a panic, never a 500: what comes is understood or refused.
    #[test]
    fn any_body_is_answered_or_refused(
        json in "[{}\\[\\]\",:a-z0-9. -]{0,60}",
        bytes: Vec<u8>,
        length in proptest::option::of(0_usize..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = [json.as_bytes(), &bytes].concat();
        let length = length.map(|length| length.to_string());
        let server = server().with("identity", &identity(DataType::F32, &[Dim::Unknown]));
        for model in ["arithmetic", "identity"] {
            let request = server.infer_bytes(model, body.clone().into(), length.as_deref());
            let status = runtime.block_on(request).status.as_u16();
            proptest::prop_assert!([200, 400, 413].contains(&status), "{status}");
        }
    }
}

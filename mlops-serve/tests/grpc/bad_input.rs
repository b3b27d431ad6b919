//! Every kind of bad request: refused with its reason, before a session sees it.

use bytes::Bytes;
use mlops_core::{
    inference::InferenceSession,
    signature::Dim,
    tensor::{DataType, NamedTensors, Tensor},
    testing::session::MockSession,
};
use tonic::Code;

use crate::{
    mock::identity,
    proto::{
        InferParameter, InferTensorContents, ModelInferRequest,
        infer_parameter::ParameterChoice::{DoubleParam, Int64Param, StringParam, Uint64Param},
        model_infer_request::InferInputTensor,
    },
    support::{f32s, good, output, parameters, raw, server, tensor},
};

/// `good`, changed.
fn with(change: impl FnOnce(&mut ModelInferRequest)) -> ModelInferRequest {
    let mut message = good();
    change(&mut message);
    message
}

/// `good` with another second input, of so many elements.
fn b(datatype: &str, shape: &[i64], elements: usize) -> ModelInferRequest {
    with(|message| {
        let contents = InferTensorContents {
            fp32_contents: vec![0.0; elements],
            ..InferTensorContents::default()
        };
        message.inputs[1] =
            InferInputTensor { contents: Some(contents), ..tensor("b", datatype, shape) };
    })
}

#[tokio::test]
async fn every_bad_request_is_refused_and_reaches_no_session() {
    let server = server();
    let parameter = |key, choice| with(|m| m.parameters = parameters([(key, choice)]));
    let (missing, invalid) = (Code::NotFound, Code::InvalidArgument);
    let cases = [
        ("no model", with(|m| m.model_name.clear()), missing, "``"),
        ("an unknown model", with(|m| m.model_name = "nobody".into()), missing, "`nobody`"),
        ("an unknown version", with(|m| m.model_version = "9".into()), missing, "arithmetic/9"),
        ("a version in words", with(|m| m.model_version = "one".into()), invalid, "\"one\""),
        (
            "a version that is loading",
            with(|m| m.model_version = "2".into()),
            Code::Unavailable,
            "loaded",
        ),
        ("no inputs", with(|m| m.inputs.clear()), invalid, "`a`"),
        (
            "an input missing",
            with(|m| drop(m.inputs.pop())),
            invalid,
            "`b`: expected FP32[batch,2], got nothing",
        ),
        ("an input twice", with(|m| m.inputs[1] = m.inputs[0].clone()), invalid, "`a`"),
        (
            "an unknown input",
            with(|m| m.inputs[1].name = "c".into()),
            invalid,
            "`c`: expected only a, b",
        ),
        (
            "another type",
            b("INT64", &[2, 2], 4),
            invalid,
            "`b`: expected FP32[batch,2], got INT64[2,2]",
        ),
        ("no such type", b("FP8", &[2, 2], 4), invalid, "`FP8`"),
        ("another rank", b("FP32", &[2], 2), invalid, "got FP32[2]"),
        ("another fixed size", b("FP32", &[2, 3], 6), invalid, "got FP32[2,3]"),
        ("a negative size", b("FP32", &[-1, 2], 2), invalid, "[-1, 2]"),
        ("an overflowing size", b("FP32", &[i64::MAX, 2], 2), invalid, "`b`"),
        ("symbols that differ", b("FP32", &[1, 2], 2), invalid, "batch = 2 as in `a`"),
        ("too few elements", b("FP32", &[2, 2], 3), invalid, "3 elements"),
        ("too many elements", b("FP32", &[2, 2], 5), invalid, "5 elements"),
        (
            "elements of another field",
            with(|m| {
                let contents = InferTensorContents {
                    int_contents: vec![0; 4],
                    ..InferTensorContents::default()
                };
                m.inputs[1].contents = Some(contents);
            }),
            invalid,
            "0 elements",
        ),
        ("neither contents nor raw", with(|m| m.inputs[1].contents = None), invalid, "neither"),
        (
            "both",
            with(|m| m.raw_input_contents = vec![Bytes::from(vec![0; 16]); 2]),
            invalid,
            "both",
        ),
        (
            "raw for one of two",
            with(|m| {
                m.inputs[0].contents = None;
                m.raw_input_contents = vec![Bytes::from(vec![0; 16])];
            }),
            invalid,
            "both",
        ),
        (
            "too little raw",
            with(|m| {
                m.inputs.iter_mut().for_each(|input| input.contents = None);
                m.raw_input_contents = vec![Bytes::from(vec![0; 16])];
            }),
            invalid,
            "`b`",
        ),
        (
            "too much raw",
            with(|m| {
                m.inputs.iter_mut().for_each(|input| input.contents = None);
                m.raw_input_contents = vec![Bytes::from(vec![0; 16]); 3];
            }),
            invalid,
            "1 more than there are inputs",
        ),
        (
            "raw of another length",
            with(|m| {
                m.inputs.iter_mut().for_each(|input| input.contents = None);
                m.raw_input_contents = vec![Bytes::from(vec![0; 15]); 2];
            }),
            invalid,
            "`a`",
        ),
        (
            "shared memory in",
            with(|m| {
                m.inputs[1].parameters =
                    parameters([("shared_memory_region", StringParam("r".into()))]);
            }),
            Code::Unimplemented,
            "`b`",
        ),
        (
            "shared memory out",
            with(|m| {
                m.outputs =
                    vec![output("sum", Some(("shared_memory_region", StringParam("r".into()))))];
            }),
            Code::Unimplemented,
            "`sum`",
        ),
        (
            "an unknown output",
            with(|m| m.outputs = vec![output("z", None)]),
            invalid,
            "`z`: expected an output of the model (sum, product)",
        ),
        ("an output twice", with(|m| m.outputs = vec![output("sum", None); 2]), invalid, "`sum`"),
        (
            "no classes",
            with(|m| {
                m.outputs = vec![output("sum", Some(("classification", Int64Param(0))))];
            }),
            invalid,
            "classification",
        ),
        (
            "too many rows",
            {
                let mut message = b("FP32", &[5, 2], 10);
                message.inputs[0] =
                    InferInputTensor { name: "a".into(), ..message.inputs[1].clone() };
                message
            },
            Code::ResourceExhausted,
            "batch (rows) of 5 is over the limit of 4",
        ),
        ("a reserved parameter", parameter("triton_x", Int64Param(1)), invalid, "`triton_x`"),
        ("a negative priority", parameter("priority", Int64Param(-1)), invalid, "priority"),
        (
            "a priority that is too large",
            parameter("priority", Uint64Param(u64::MAX)),
            invalid,
            "priority",
        ),
        (
            "a priority in words",
            parameter("priority", StringParam("high".into())),
            invalid,
            "priority",
        ),
        ("half a timeout", parameter("timeout", DoubleParam(0.5)), invalid, "timeout"),
        ("a negative timeout", parameter("timeout", Int64Param(-1)), invalid, "timeout"),
        (
            "a parameter without a value",
            with(|m| {
                m.parameters.insert("x".into(), InferParameter::default());
            }),
            invalid,
            "`x`",
        ),
        ("too large", with(|m| m.id = "x".repeat(5000)), Code::ResourceExhausted, "4096"),
    ];
    for (what, message, code, says) in cases {
        let error = server.refused_with(message, code).await;
        assert!(error.contains(says), "{what}: `{error}` does not say `{says}`");
    }
    assert_eq!(server.log.runs(), [0; 0], "a bad request reached the session");
    server.infer(good()).await.unwrap();
}

#[tokio::test]
async fn typed_integers_out_of_range_are_refused() {
    for (data_type, contents) in [
        (DataType::U8, InferTensorContents { uint_contents: vec![256], ..Default::default() }),
        (DataType::U16, InferTensorContents { uint_contents: vec![65536], ..Default::default() }),
        (DataType::I8, InferTensorContents { int_contents: vec![-129], ..Default::default() }),
        (DataType::I16, InferTensorContents { int_contents: vec![32768], ..Default::default() }),
        (DataType::F16, InferTensorContents { fp32_contents: vec![1.0], ..Default::default() }),
        (DataType::Bf16, InferTensorContents::default()),
    ] {
        let server = server().with("identity", &identity(data_type, &[Dim::Unknown]));
        let input =
            InferInputTensor { contents: Some(contents), ..tensor("x", data_type.name(), &[1]) };
        let message = ModelInferRequest {
            model_name: "identity".into(),
            inputs: vec![input],
            ..ModelInferRequest::default()
        };
        let error = server.refused_with(message, Code::InvalidArgument).await;
        assert!(error.contains("`x`"), "{data_type}: {error}");
    }
}

#[tokio::test]
async fn bad_raw_strings_are_refused() {
    let server = server().with("identity", &identity(DataType::Bytes, &[Dim::Unknown]));
    for (wire, says) in [
        (&b"\x01\0\0"[..], "3 bytes"),
        (b"\x05\0\0\0ab", "string 0 of 5 bytes"),
        (b"\x01\0\0\0ab", "1 bytes left over"),
        (b"\xff\xff\xff\xff", "string 0"),
    ] {
        let message = raw("BYTES", &[1], wire);
        let error = server.refused_with(message, Code::InvalidArgument).await;
        assert!(error.contains(says), "`{error}` does not say `{says}`");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    /// Never a panic, never an internal error: what comes is understood or refused.
    #[test]
    fn any_message_is_answered_or_refused(bytes: Vec<u8>, cut in 0_usize..200, flip: (usize, u8)) {
        use prost::Message;

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let server = server();
        // Bytes of any kind, and a good request with a fault in it.
        let mut faulty = good().encode_to_vec();
        let at = flip.0 % faulty.len();
        faulty[at] ^= flip.1;
        faulty.truncate(faulty.len().saturating_sub(cut / 10));
        for message in [bytes, faulty] {
            let (code, recorded) = runtime.block_on(crate::limits::send_bytes(&server, &message));
            let fine = [Code::Ok, Code::InvalidArgument, Code::NotFound, Code::ResourceExhausted, Code::Unimplemented];
            proptest::prop_assert!(fine.contains(&code), "{code:?}");
            proptest::prop_assert!(recorded <= 1);
        }
    }
}

#[tokio::test]
async fn misaligned_raw_contents_are_no_problem() {
    // Reads the numbers, as an engine does.
    let signature = identity(DataType::F32, &[Dim::Unknown]).signature().as_ref().clone();
    let doubling = MockSession::new(signature, |inputs| {
        let x = inputs.require("x")?.clone().into_aligned();
        Ok(NamedTensors::single("y", Tensor::from_array(&x.view::<f32>()? * 2.0)))
    });
    let server = server().with("identity", &doubling);
    for id in ["", "a", "ab", "abc"] {
        let bytes = f32s(&[1.0, 2.0]);
        let message = ModelInferRequest { id: id.into(), ..raw("FP32", &[2], &bytes) };
        let answer = server.infer(message).await.unwrap();
        assert_eq!(answer.raw_output_contents, [f32s(&[2.0, 4.0])]);
    }
}

//! Typed and raw contents, of every type, and what else a request can say.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mlops_core::{
    Result,
    inference::{InferenceRequest, InferenceResponse, ModelDescriptor, Predict},
    signature::Dim,
    tensor::DataType,
};
use mlops_serve::host::ServedModel;
use tonic::Request;

use crate::{
    mock::{arithmetic, batcher, id, identity},
    proto::{
        InferTensorContents, ModelInferRequest, ModelInferResponse,
        infer_parameter::ParameterChoice::{
            BoolParam, DoubleParam, Int64Param, StringParam, Uint64Param,
        },
        model_infer_request::InferInputTensor,
    },
    support::{MODEL_INFER, f32s, good, output, parameters, raw, server, tensor},
};

#[tokio::test]
async fn typed_in_and_raw_out() {
    let answer = server().infer(ModelInferRequest { id: "7".into(), ..good() }).await.unwrap();
    assert_eq!(
        (&*answer.model_name, &*answer.model_version, &*answer.id),
        ("arithmetic", "1", "7")
    );
    let described: Vec<_> =
        answer.outputs.iter().map(|o| (&*o.name, &*o.datatype, &o.shape[..])).collect();
    assert_eq!(described, [("sum", "FP32", &[2, 2][..]), ("product", "FP32", &[2, 2])]);
    assert!(answer.outputs.iter().all(|output| output.contents.is_none()));
    assert_eq!(answer.raw_output_contents[0], f32s(&[11.5, 22.0, 33.0, 44.0]));
    assert_eq!(answer.raw_output_contents[1], f32s(&[10.5, 40.0, 90.0, 160.0]));
}

#[tokio::test]
async fn every_type_typed_and_raw() {
    let typed = |fill: fn(&mut InferTensorContents)| {
        let mut contents = InferTensorContents::default();
        fill(&mut contents);
        Some(contents)
    };
    let cases: Vec<(DataType, Option<InferTensorContents>, &[u8])> = vec![
        (DataType::Bool, typed(|c| c.bool_contents = vec![true, false]), &[1, 0]),
        (DataType::U8, typed(|c| c.uint_contents = vec![0, 255]), &[0, 255]),
        (DataType::U16, typed(|c| c.uint_contents = vec![1, 65535]), &[1, 0, 255, 255]),
        (
            DataType::U32,
            typed(|c| c.uint_contents = vec![1, u32::MAX]),
            &[1, 0, 0, 0, 255, 255, 255, 255],
        ),
        (
            DataType::U64,
            typed(|c| c.uint64_contents = vec![1, u64::MAX]),
            &[1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        (DataType::I8, typed(|c| c.int_contents = vec![-128, 127]), &[0x80, 0x7f]),
        (DataType::I16, typed(|c| c.int_contents = vec![-32768, 1]), &[0, 0x80, 1, 0]),
        (DataType::I32, typed(|c| c.int_contents = vec![-1, 1]), &[255, 255, 255, 255, 1, 0, 0, 0]),
        (
            DataType::I64,
            typed(|c| c.int64_contents = vec![-1, 1]),
            &[255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            DataType::F32,
            typed(|c| c.fp32_contents = vec![1.0, f32::NEG_INFINITY]),
            &[0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xff],
        ),
        (
            DataType::F64,
            typed(|c| c.fp64_contents = vec![1.0, 2.0]),
            &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40],
        ),
        (
            DataType::Bytes,
            typed(|c| c.bytes_contents = vec![Bytes::from_static(b"a\0"), Bytes::new()]),
            b"\x02\0\0\0a\0\0\0\0\0",
        ),
        (DataType::F16, None, &[0, 0x3c, 0, 0xc0]),
        (DataType::Bf16, None, &[0x80, 0x3f, 0, 0xc0]),
    ];
    assert_eq!(cases.len(), DataType::ALL.len());
    for (data_type, contents, wire) in cases {
        let server = server().with("identity", &identity(data_type, &[Dim::Unknown]));
        let sent_raw = raw(data_type.name(), &[2], wire);
        let mut requests = vec![sent_raw.clone()];
        if contents.is_some() {
            let input = InferInputTensor { contents, ..tensor("x", data_type.name(), &[2]) };
            requests.push(ModelInferRequest {
                inputs: vec![input],
                raw_input_contents: Vec::new(),
                ..sent_raw
            });
        }
        for request in requests {
            let answer = server.infer(request).await.unwrap();
            assert_eq!(answer.outputs[0].datatype, data_type.name());
            assert_eq!(answer.raw_output_contents, [wire], "{data_type}");
        }
    }
}

#[tokio::test]
async fn empty_tensors_need_no_contents() {
    let server = server().with("identity", &identity(DataType::F32, &[Dim::Unknown]));
    let empty = ModelInferRequest {
        model_name: "identity".into(),
        inputs: vec![tensor("x", "FP32", &[0])],
        ..ModelInferRequest::default()
    };
    for request in [empty, raw("FP32", &[0], b"")] {
        let answer = server.infer(request).await.unwrap();
        assert_eq!((&answer.outputs[0].shape[..], answer.raw_output_contents.len()), (&[0][..], 1));
    }
}

#[tokio::test]
async fn scalars_have_an_empty_shape() {
    let server = server().with("identity", &identity(DataType::F64, &[]));
    let sent_raw = raw("FP64", &[], &2.5_f64.to_le_bytes());
    let contents = InferTensorContents { fp64_contents: vec![2.5], ..Default::default() };
    let typed = ModelInferRequest {
        inputs: vec![InferInputTensor { contents: Some(contents), ..tensor("x", "FP64", &[]) }],
        raw_input_contents: Vec::new(),
        ..sent_raw.clone()
    };
    for request in [sent_raw, typed] {
        let answer = server.infer(request).await.unwrap();
        assert!(answer.outputs[0].shape.is_empty());
        assert_eq!(answer.raw_output_contents, [2.5_f64.to_le_bytes().to_vec()]);
    }
}

#[tokio::test]
async fn requested_outputs_and_classes() {
    let request = ModelInferRequest {
        outputs: vec![
            output("product", None),
            output("sum", Some(("classification", Int64Param(1)))),
        ],
        ..good()
    };
    let answer = server().infer(request).await.unwrap();
    let described: Vec<_> =
        answer.outputs.iter().map(|o| (&*o.name, &*o.datatype, &o.shape[..])).collect();
    assert_eq!(described, [("product", "FP32", &[2, 2][..]), ("sum", "BYTES", &[2, 1])]);
    assert_eq!(answer.raw_output_contents[1], &b"\x04\0\0\x0022:1\x04\0\0\x0044:1"[..]);
}

/// Answers with what it was told.
#[derive(Debug)]
struct Echo(Arc<dyn Predict>);

impl std::fmt::Display for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Echo({})", self.0)
    }
}

#[async_trait]
impl Predict for Echo {
    fn descriptor(&self) -> &ModelDescriptor {
        self.0.descriptor()
    }

    async fn predict(&self, request: InferenceRequest) -> Result<InferenceResponse> {
        let has_deadline = request.deadline.is_some();
        let context = request.context.clone().unwrap_or_default();
        let mut response = self.0.predict(request).await?;
        let (trace, parameters) = (context.trace_parent.clone(), &context.parameters);
        let told = format!("{trace:?} {} {has_deadline} {parameters:?}", context.priority);
        response.variant = Some(told.into());
        Ok(response)
    }
}

#[tokio::test]
async fn parameters_reach_the_model_and_the_variant_comes_back() {
    let server = server();
    let echo = Echo(batcher(id("echo", "1"), &arithmetic()));
    server.table.publish(ServedModel::new(Arc::new(echo)));
    for priority in [Uint64Param(3), Int64Param(3)] {
        let message = ModelInferRequest {
            model_name: "echo".into(),
            model_version: "1".into(),
            parameters: parameters([
                ("priority", priority),
                ("timeout", Int64Param(60_000_000)),
                ("binary_data_output", BoolParam(true)),
                ("user", StringParam("a".into())),
                ("ratio", DoubleParam(0.5)),
                ("n", Uint64Param(7)),
            ]),
            ..good()
        };
        let mut request = Request::new(message);
        request.metadata_mut().insert("traceparent", "00-1-2-01".parse().unwrap());
        let answer: ModelInferResponse = server.send(MODEL_INFER, request).await.unwrap();
        let expected = r#"Some("00-1-2-01") 3 true {"n": Integer(7), "ratio": Float(0.5), "user": String("a")}"#;
        let variant = answer.parameters["variant"].parameter_choice.clone();
        assert_eq!(variant, Some(StringParam(expected.into())));
    }
}

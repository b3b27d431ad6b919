//! Tensors in memory that the client shares.

use std::sync::Arc;

use bytes::Bytes;
use mlops_serve::protocol::oip::{self, GrpcOptions, SharedMemory};
use tonic::{Code, Status};

use crate::{
    mock::ClientMemory,
    proto::{
        ModelInferRequest, SystemSharedMemoryRegisterRequest, SystemSharedMemoryRegisterResponse,
        SystemSharedMemoryStatusRequest, SystemSharedMemoryStatusResponse,
        SystemSharedMemoryUnregisterRequest, SystemSharedMemoryUnregisterResponse,
        infer_parameter::ParameterChoice::{self, Int64Param, StringParam},
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
    support::{Server, f32s, parameters, server, server_with, tensor},
};

const REGISTER: &str = "/inference.GRPCInferenceService/SystemSharedMemoryRegister";
const STATUS: &str = "/inference.GRPCInferenceService/SystemSharedMemoryStatus";
const UNREGISTER: &str = "/inference.GRPCInferenceService/SystemSharedMemoryUnregister";

fn slot(offset: i64, size: i64) -> [(&'static str, ParameterChoice); 3] {
    [
        ("shared_memory_region", StringParam("r".into())),
        ("shared_memory_offset", Int64Param(offset)),
        ("shared_memory_byte_size", Int64Param(size)),
    ]
}

/// The first input in shared memory, the second raw; the first output in shared memory.
fn request(offset: i64, size: i64) -> ModelInferRequest {
    let a = InferInputTensor {
        parameters: parameters(slot(offset, size)),
        ..tensor("a", "FP32", &[1, 2])
    };
    let sum = InferRequestedOutputTensor { name: "sum".into(), parameters: parameters(slot(8, 8)) };
    let product = InferRequestedOutputTensor { name: "product".into(), ..Default::default() };
    ModelInferRequest {
        model_name: "arithmetic".into(),
        inputs: vec![a, tensor("b", "FP32", &[1, 2])],
        outputs: vec![sum, product],
        raw_input_contents: vec![Bytes::from(f32s(&[3.0, 4.0]))],
        ..ModelInferRequest::default()
    }
}

async fn register(
    server: &Server,
    key: &str,
) -> Result<SystemSharedMemoryRegisterResponse, Status> {
    let (name, key) = ("r".into(), key.into());
    server
        .call(REGISTER, SystemSharedMemoryRegisterRequest { name, key, offset: 0, byte_size: 16 })
        .await
}

#[tokio::test]
async fn inputs_and_outputs_lie_where_the_client_says() {
    let memory = ClientMemory::new("grpc", &[f32s(&[1.0, 2.0]), vec![0; 8]].concat());
    let shared = |server: oip::Server| server.with_shared_memory(Arc::new(SharedMemory::new()));
    let server = server_with(shared, GrpcOptions::default());
    register(&server, &memory.key).await.unwrap();
    let status: SystemSharedMemoryStatusResponse =
        server.call(STATUS, SystemSharedMemoryStatusRequest::default()).await.unwrap();
    assert_eq!((&status.regions["r"].key, status.regions["r"].byte_size), (&memory.key, 16));

    let answer = server.infer(request(0, 8)).await.unwrap();
    assert_eq!(memory.read(8, 8), f32s(&[4.0, 6.0]));
    // One place for each output, also for the one that is elsewhere.
    assert_eq!(answer.raw_output_contents, [Vec::new(), f32s(&[3.0, 8.0])]);
    let size = answer.outputs[0].parameters["shared_memory_byte_size"].parameter_choice.clone();
    assert_eq!(size, Some(Int64Param(8)));

    for (offset, size) in [(9, 8), (-1, 8), (0, -8), (0, 4), (i64::MAX, i64::MAX)] {
        server.refused_with(request(offset, size), Code::InvalidArgument).await;
    }
    assert_eq!(register(&server, &memory.key).await.unwrap_err().code(), Code::AlreadyExists);
    let _: SystemSharedMemoryUnregisterResponse = server
        .call(UNREGISTER, SystemSharedMemoryUnregisterRequest { name: "r".into() })
        .await
        .unwrap();
    server.refused_with(request(0, 8), Code::NotFound).await;
}

#[tokio::test]
async fn a_host_that_does_not_lend_memory_says_so() {
    let server = server();
    assert_eq!(register(&server, "/r").await.unwrap_err().code(), Code::Unimplemented);
    let error = server.refused_with(request(0, 8), Code::Unimplemented).await;
    assert!(error.contains("`a`"), "{error}");
}

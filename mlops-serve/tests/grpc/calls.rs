//! What is told of the server and its models, health, reflection, the repository.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use mlops_core::Error;
use mlops_serve::{host::LoadOptions, protocol::oip::GrpcOptions};
use tonic::{Code, Request, Status};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::{v1, v1alpha};

use crate::{
    mock::{Control, arithmetic, batcher, counted, id},
    proto::{
        DataType, ModelConfigRequest, ModelConfigResponse, ModelInferRequest, ModelMetadataRequest,
        ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ModelRepositoryParameter,
        ModelStatisticsRequest, ModelStatisticsResponse, RepositoryIndexRequest,
        RepositoryIndexResponse, RepositoryModelLoadRequest, RepositoryModelLoadResponse,
        RepositoryModelUnloadRequest, RepositoryModelUnloadResponse, ServerLiveRequest,
        ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse, ServerReadyRequest,
        ServerReadyResponse, model_config::SchedulingChoice,
        model_repository_parameter::ParameterChoice,
    },
    support::{Server, good, server, server_with},
};

macro_rules! call {
    ($server:expr, $method:literal, $request:expr) => {
        $server.call(concat!("/inference.GRPCInferenceService/", $method), $request).await
    };
}

#[tokio::test]
async fn live_ready_and_metadata() {
    let server = server();
    let live: ServerLiveResponse = call!(server, "ServerLive", ServerLiveRequest {}).unwrap();
    assert!(live.live);
    let ready = async |server: &Server| -> bool {
        let ready: ServerReadyResponse =
            call!(server, "ServerReady", ServerReadyRequest {}).unwrap();
        ready.ready
    };
    assert!(!ready(&server).await, "version 2 is being loaded");
    let model_ready = async |name: &str, version: &str| -> Result<bool, Code> {
        let asked = ModelReadyRequest { name: name.into(), version: version.into() };
        let answer: Result<ModelReadyResponse, Status> = call!(server, "ModelReady", asked);
        answer.map(|answer| answer.ready).map_err(|status| status.code())
    };
    assert_eq!(model_ready("arithmetic", "").await, Ok(true));
    assert_eq!(model_ready("arithmetic", "1").await, Ok(true));
    assert_eq!(model_ready("arithmetic", "2").await, Ok(false));
    assert_eq!(model_ready("nobody", "").await, Ok(false));
    assert_eq!(model_ready("arithmetic", "one").await, Err(Code::InvalidArgument));

    let metadata: ServerMetadataResponse =
        call!(server, "ServerMetadata", ServerMetadataRequest {}).unwrap();
    assert_eq!(metadata.name, "mlops-serve");
    assert!(metadata.extensions.iter().any(|extension| extension == "classification"));
    let asked = ModelMetadataRequest { name: "arithmetic".into(), version: String::new() };
    let model: ModelMetadataResponse = call!(server, "ModelMetadata", asked).unwrap();
    assert_eq!((&*model.platform, &model.versions[..]), ("mock", &["1".into(), "2".into()][..]));
    let tensor = &model.outputs[1];
    assert_eq!(
        (&*tensor.name, &*tensor.datatype, &tensor.shape[..]),
        ("product", "FP32", &[-1, 2][..])
    );

    server.table.publish(batcher(id("arithmetic", "2"), &arithmetic()));
    assert!(ready(&server).await);
}

#[tokio::test]
async fn configuration_and_statistics() {
    let server = server();
    let asked = ModelConfigRequest { name: "arithmetic".into(), version: "1".into() };
    let answer: ModelConfigResponse = call!(server, "ModelConfig", asked).unwrap();
    let config = answer.config.unwrap();
    assert_eq!((config.max_batch_size, &config.input[0].dims[..]), (4, &[2][..]));
    assert_eq!(config.output[0].data_type(), DataType::TypeFp32);
    assert!(matches!(config.scheduling_choice, Some(SchedulingChoice::DynamicBatching(_))));
    assert!(!config.model_transaction_policy.unwrap().decoupled);

    server.table.publish(counted(id("counted", "1"), &arithmetic()));
    server.infer(ModelInferRequest { model_name: "counted".into(), ..good() }).await.unwrap();
    for name in ["", "counted"] {
        let asked = ModelStatisticsRequest { name: name.into(), version: String::new() };
        let answer: ModelStatisticsResponse = call!(server, "ModelStatistics", asked).unwrap();
        let [model] = &answer.model_stats[..] else { panic!("{answer:?}") };
        assert_eq!((&*model.name, model.inference_count, model.execution_count), ("counted", 2, 1));
        let phases = model.inference_stats.unwrap();
        assert_eq!(phases.success.unwrap().count, 1);
        assert_eq!(phases.compute_infer.unwrap().count, phases.queue.unwrap().count);
        assert_eq!(model.batch_stats[0].batch_size, 2);
    }
    let asked = ModelStatisticsRequest { name: "nobody".into(), version: String::new() };
    let answer: Result<ModelStatisticsResponse, _> = call!(server, "ModelStatistics", asked);
    assert_eq!(answer.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_repository_is_the_hosts() {
    let control = Arc::new(Control::default());
    let controlled = Arc::<Control>::clone(&control);
    let server = server_with(|server| server.with_control(controlled), GrpcOptions::default());
    let index = RepositoryIndexRequest { ready: false, ..RepositoryIndexRequest::default() };
    let answer: RepositoryIndexResponse = call!(server, "RepositoryIndex", index).unwrap();
    let states: Vec<_> = answer.models.iter().map(|model| &*model.state).collect();
    assert_eq!(states, ["READY", "LOADING"]);
    let index = RepositoryIndexRequest { ready: true, ..RepositoryIndexRequest::default() };
    let answer: RepositoryIndexResponse = call!(server, "RepositoryIndex", index).unwrap();
    assert_eq!(answer.models.len(), 1);

    let value = |choice| ModelRepositoryParameter { parameter_choice: Some(choice) };
    let load = async |server: &Server, name: &str, key: &str, choice: ParameterChoice| {
        let asked = RepositoryModelLoadRequest {
            model_name: name.into(),
            parameters: [(key.to_owned(), value(choice))].into(),
            ..RepositoryModelLoadRequest::default()
        };
        let answer: Result<RepositoryModelLoadResponse, Status> =
            call!(server, "RepositoryModelLoad", asked);
        answer.map_err(|status| status.code())
    };
    let file = || ParameterChoice::BytesParam(Bytes::from_static(b"hello"));
    load(&server, "arithmetic", "file:1/model.onnx", file()).await.unwrap();
    let config = ParameterChoice::StringParam("{}".into());
    load(&server, "arithmetic", "config", config.clone()).await.unwrap();
    let asked = std::mem::take(&mut *control.0.lock());
    let files = |options: &Option<LoadOptions>| options.clone().unwrap().files;
    assert_eq!(files(&asked[0].1)["1/model.onnx"], "hello");
    assert_eq!(asked[1].1.clone().unwrap().config.as_deref(), Some("{}"));
    assert_eq!(load(&server, "nobody", "config", config.clone()).await, Err(Code::NotFound));
    let number = ParameterChoice::Int64Param(1);
    assert_eq!(load(&server, "arithmetic", "config", number).await, Err(Code::InvalidArgument));
    assert_eq!(
        load(&server, "arithmetic", "color", config.clone()).await,
        Err(Code::InvalidArgument)
    );
    assert_eq!(
        load(&crate::support::server(), "arithmetic", "config", config).await,
        Err(Code::Unimplemented)
    );

    let unload = async |dependents: bool| {
        let asked = RepositoryModelUnloadRequest {
            model_name: "arithmetic".into(),
            parameters: [(
                "unload_dependents".to_owned(),
                value(ParameterChoice::BoolParam(dependents)),
            )]
            .into(),
            ..RepositoryModelUnloadRequest::default()
        };
        let answer: Result<RepositoryModelUnloadResponse, Status> =
            call!(server, "RepositoryModelUnload", asked);
        answer.map_err(|status| status.code())
    };
    unload(false).await.unwrap();
    assert_eq!(unload(true).await, Err(Code::Unimplemented));
}

#[tokio::test]
async fn health_is_that_of_the_models_when_asked() {
    let server = server();
    let check = async |service: &str| -> Result<i32, Code> {
        let asked = HealthCheckRequest { service: service.into() };
        let answer: Result<HealthCheckResponse, Status> =
            server.call("/grpc.health.v1.Health/Check", asked).await;
        answer.map(|answer| answer.status).map_err(|status| status.code())
    };
    let (serving, not_serving) = (Ok(1), Ok(2));
    assert_eq!(check("").await, not_serving);
    assert_eq!(check("inference.GRPCInferenceService").await, not_serving);
    assert_eq!(check("arithmetic").await, serving);
    assert_eq!(check("arithmetic/1").await, serving);
    assert_eq!(check("arithmetic/2").await, not_serving);
    assert_eq!(check("nobody").await, Err(Code::NotFound));
    server.table.publish(batcher(id("arithmetic", "2"), &arithmetic()));
    assert_eq!(check("").await, serving);
    server.table.fail(&id("arithmetic", "2"), &Error::corrupt("model", "m.onnx", "half"));
    assert_eq!(check("arithmetic/2").await, not_serving);
}

#[tokio::test(start_paused = true)]
async fn health_is_told_again_when_it_changes() {
    let server = server();
    let mut client = tonic::client::Grpc::new(server.router.clone());
    client.ready().await.unwrap();
    let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
    let asked = Request::new(HealthCheckRequest { service: "late/1".into() });
    let path = "/grpc.health.v1.Health/Watch".parse().unwrap();
    let mut watch = client.server_streaming(asked, path, codec).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 3, "unknown");
    server.table.announce(&id("late", "1"));
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2, "not serving");
    server.table.publish(batcher(id("late", "1"), &arithmetic()));
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1, "serving");
    let quiet = tokio::time::timeout(Duration::from_secs(3600), watch.message()).await;
    assert!(quiet.is_err(), "told without a change");
}

#[tokio::test]
async fn the_services_describe_themselves() {
    let server = server();
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut client = tonic::client::Grpc::new(server.router.clone());
    client.ready().await.unwrap();
    let codec = ProstCodec::<v1::ServerReflectionRequest, v1::ServerReflectionResponse>::default();
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo".parse().unwrap();
    let requests = Request::new(tokio_stream(request));
    let mut answers = client.streaming(requests, path, codec).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(services)) =
        answer.message_response
    else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = services.service.iter().map(|service| &*service.name).collect();
    assert!(names.contains(&"inference.GRPCInferenceService"), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");

    // The older version, which many tools still speak.
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "inference.ModelInferRequest".into(),
            ),
        ),
    };
    let codec =
        ProstCodec::<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>::default(
        );
    let path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo".parse().unwrap();
    let requests = Request::new(tokio_stream(request));
    let mut answers = client.streaming(requests, path, codec).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(files)) =
        answer.message_response
    else {
        panic!("{answer:?}");
    };
    assert_eq!(files.file_descriptor_proto.len(), 1);
}

fn tokio_stream<T: Send + 'static>(item: T) -> impl futures_core::Stream<Item = T> + Send {
    futures_util::stream::once(std::future::ready(item))
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = server();
    let answer: Result<ServerLiveResponse, Status> =
        call!(server, "TraceSetting", ServerLiveRequest {});
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
    let request = axum::http::Request::get("/nothing").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(server.router.clone(), request).await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
}

//! [`Service`]: the calls.

use std::time::Instant;

use mlops_core::{Error, Result};
use tonic::{Request, Response, Status, Streaming};

use super::{
    gate::Gate,
    generated::{
        ModelConfigRequest, ModelConfigResponse, ModelInferRequest, ModelInferResponse,
        ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse,
        ModelRepositoryParameter, ModelStatisticsRequest, ModelStatisticsResponse,
        RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest,
        RepositoryModelLoadResponse, RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
        ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
        ServerReadyRequest, ServerReadyResponse, SystemSharedMemoryRegisterRequest,
        SystemSharedMemoryRegisterResponse, SystemSharedMemoryStatusRequest,
        SystemSharedMemoryStatusResponse, SystemSharedMemoryUnregisterRequest,
        SystemSharedMemoryUnregisterResponse, grpc_inference_service_server::GrpcInferenceService,
        model_repository_parameter::ParameterChoice,
    },
    infer::{Call, infer, named},
    status::status,
    stream::InferStream,
};
use crate::protocol::{
    health::all_ready,
    oip::{
        repository::{LoadParameter, load_options, refuse_dependents},
        server::{Include, Server},
        shared_memory::RegionStatus,
    },
};

/// Answers the calls of the protocol.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) gate: Gate,
    pub(super) max_stream_requests: usize,
}

type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(result: Result<T>) -> Answer<T> {
    result.map(Response::new).map_err(|error| status(&error))
}

#[tonic::async_trait]
impl GrpcInferenceService for Service {
    type ModelStreamInferStream = InferStream;

    async fn server_live(&self, _: Request<ServerLiveRequest>) -> Answer<ServerLiveResponse> {
        answer(Ok(ServerLiveResponse { live: true }))
    }

    async fn server_ready(&self, _: Request<ServerReadyRequest>) -> Answer<ServerReadyResponse> {
        answer(Ok(ServerReadyResponse { ready: all_ready(&*self.server().models) }))
    }

    async fn model_ready(&self, request: Request<ModelReadyRequest>) -> Answer<ModelReadyResponse> {
        let ModelReadyRequest { name, version: asked } = request.into_inner();
        // The protocol has a word for "no", so that an unknown model is no error.
        answer(match self.server().find(&name, named(&asked)) {
            Ok(_) => Ok(ModelReadyResponse { ready: true }),
            Err(Error::NotFound { .. } | Error::Unavailable { .. }) => {
                Ok(ModelReadyResponse { ready: false })
            }
            Err(error) => Err(error),
        })
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Answer<ServerMetadataResponse> {
        answer(Ok(self.server().metadata().into()))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Answer<ModelMetadataResponse> {
        let ModelMetadataRequest { name, version: asked } = request.into_inner();
        answer(self.server().model_metadata(&name, named(&asked)).map(Into::into))
    }

    async fn model_infer(&self, request: Request<ModelInferRequest>) -> Answer<ModelInferResponse> {
        let arrived = Instant::now();
        Gate::pass(request.extensions());
        let call = self.call(&request, arrived)?;
        answer(infer(&self.gate, &call, request.into_inner(), arrived).await)
    }

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Answer<InferStream> {
        Gate::pass(request.extensions());
        let call = self.call(&request, Instant::now())?;
        let (gate, limit) = (self.gate.clone(), self.max_stream_requests);
        answer(Ok(InferStream::new(gate, call, request.into_inner(), limit)))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Answer<ModelConfigResponse> {
        let ModelConfigRequest { name, version: asked } = request.into_inner();
        let config = self.server().config(&name, named(&asked));
        answer(config.map(|config| ModelConfigResponse { config: Some(config.into()) }))
    }

    async fn model_statistics(
        &self,
        request: Request<ModelStatisticsRequest>,
    ) -> Answer<ModelStatisticsResponse> {
        let ModelStatisticsRequest { name, version: asked } = request.into_inner();
        let name = (!name.is_empty()).then_some(&*name);
        let statistics = self.server().statistics(name, named(&asked));
        answer(statistics.map(|models| ModelStatisticsResponse {
            model_stats: models.into_iter().map(Into::into).collect(),
        }))
    }

    async fn system_shared_memory_status(
        &self,
        request: Request<SystemSharedMemoryStatusRequest>,
    ) -> Answer<SystemSharedMemoryStatusResponse> {
        let name = request.into_inner().name;
        let memory = self.server().memory();
        let regions = memory.and_then(|memory| memory.status(named(&name)));
        answer(regions.map(|regions| SystemSharedMemoryStatusResponse {
            regions:
                regions.into_iter().map(|region| (region.name.clone(), region.into())).collect(),
        }))
    }

    async fn system_shared_memory_register(
        &self,
        request: Request<SystemSharedMemoryRegisterRequest>,
    ) -> Answer<SystemSharedMemoryRegisterResponse> {
        let SystemSharedMemoryRegisterRequest { name, key, offset, byte_size } =
            request.into_inner();
        let status = RegionStatus { name, key, offset, byte_size };
        let memory = self.server().memory();
        let registered = memory.and_then(|memory| memory.register(status));
        answer(registered.map(|()| SystemSharedMemoryRegisterResponse {}))
    }

    async fn system_shared_memory_unregister(
        &self,
        request: Request<SystemSharedMemoryUnregisterRequest>,
    ) -> Answer<SystemSharedMemoryUnregisterResponse> {
        let name = request.into_inner().name;
        let memory = self.server().memory();
        let unregistered = memory.map(|memory| memory.unregister(named(&name)));
        answer(unregistered.map(|()| SystemSharedMemoryUnregisterResponse {}))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Answer<RepositoryIndexResponse> {
        let include = if request.get_ref().ready { Include::Ready } else { Include::All };
        let models = self.server().index(include).into_iter().map(Into::into).collect();
        answer(Ok(RepositoryIndexResponse { models }))
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Answer<RepositoryModelLoadResponse> {
        let load = async {
            let RepositoryModelLoadRequest { repository_name, model_name, parameters } =
                request.into_inner();
            let control = self.server().control(&repository_name)?;
            let parameters = parameters.into_iter().map(|(key, value)| {
                let value = load_parameter(&key, value)?;
                Ok((key, value))
            });
            let options = load_options(parameters.collect::<Result<Vec<_>>>()?)?;
            control.load(&model_name, options).await
        };
        answer(load.await.map(|()| RepositoryModelLoadResponse {}))
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Answer<RepositoryModelUnloadResponse> {
        let unload = async {
            let RepositoryModelUnloadRequest { repository_name, model_name, parameters } =
                request.into_inner();
            let control = self.server().control(&repository_name)?;
            let dependents = parameters.get("unload_dependents");
            let dependents = dependents.and_then(|value| value.parameter_choice.as_ref());
            if !matches!(dependents, None | Some(ParameterChoice::BoolParam(false))) {
                return Err(refuse_dependents());
            }
            control.unload(&model_name).await
        };
        answer(unload.await.map(|()| RepositoryModelUnloadResponse {}))
    }
}

impl Service {
    fn server(&self) -> &Server {
        &self.gate.server
    }

    fn call<T>(&self, request: &Request<T>, arrived: Instant) -> Result<Call, Status> {
        Call::new(request.metadata(), arrived).map_err(|error| {
            self.server().recorder.refused(None, &error);
            status(&error)
        })
    }
}

fn load_parameter(key: &str, value: ModelRepositoryParameter) -> Result<LoadParameter> {
    match value.parameter_choice {
        Some(ParameterChoice::StringParam(text)) => Ok(LoadParameter::Text(text)),
        Some(ParameterChoice::BytesParam(bytes)) => Ok(LoadParameter::File(bytes)),
        _ => {
            let reason = format!("`{key}` is neither text nor bytes");
            Err(Error::invalid("load parameter", reason))
        }
    }
}

//! A server of mock models, called without a socket.

use std::{collections::HashMap, sync::Arc};

use axum::Router;
use bytes::Bytes;
use mlops_core::testing::session::{MockLog, MockSession};
use mlops_serve::{host::ModelTable, protocol::oip};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::{
    mock::{Refused, arithmetic, batcher, id},
    proto::{
        InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
        infer_parameter::ParameterChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
};

pub(crate) const MODEL_INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
pub(crate) const MODEL_STREAM_INFER: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) table: Arc<ModelTable>,
    pub(crate) session: MockSession,
    pub(crate) log: Arc<MockLog>,
    pub(crate) refused: Arc<Refused>,
}

/// `arithmetic` in version 1 and 2, of which 2 is being loaded.
pub(crate) fn server() -> Server {
    server_with(|server| server, oip::GrpcOptions::default())
}

pub(crate) fn server_with(
    change: impl FnOnce(oip::Server) -> oip::Server,
    options: oip::GrpcOptions,
) -> Server {
    let table = Arc::new(ModelTable::new());
    let session = arithmetic();
    table.publish(batcher(id("arithmetic", "1"), &session));
    table.announce(&id("arithmetic", "2"));
    let refused = Arc::new(Refused::default());
    let recorder = Arc::<Refused>::clone(&refused);
    let server = oip::Server::new(Arc::<ModelTable>::clone(&table)).with_recorder(recorder);
    let (server, options) = (change(server), options.with_max_message_bytes(4096));
    let router = oip::grpc_router(server, options);
    Server { router, table, log: session.log(), session, refused }
}

impl Server {
    pub(crate) fn with(self, name: &str, session: &MockSession) -> Self {
        self.table.publish(batcher(id(name, "1"), session));
        self
    }

    pub(crate) async fn call<Q, A>(&self, path: &'static str, message: Q) -> Result<A, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        self.send(path, Request::new(message)).await
    }

    pub(crate) async fn send<Q, A>(
        &self,
        path: &'static str,
        request: Request<Q>,
    ) -> Result<A, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut client = tonic::client::Grpc::new(self.router.clone());
        client.ready().await.unwrap();
        let codec = ProstCodec::<Q, A>::default();
        client.unary(request, path.parse().unwrap(), codec).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn infer(
        &self,
        message: ModelInferRequest,
    ) -> Result<ModelInferResponse, Status> {
        self.call(MODEL_INFER, message).await
    }

    /// The text of the error that a request is refused with, after checking its code.
    #[track_caller]
    pub(crate) fn refused_with(
        &self,
        message: ModelInferRequest,
        code: Code,
    ) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let status = self.infer(message).await.expect_err(&caller.to_string());
            assert_eq!(status.code(), code, "{caller}: {status}");
            status.message().to_owned()
        }
    }
}

pub(crate) fn tensor(name: &str, datatype: &str, shape: &[i64]) -> InferInputTensor {
    InferInputTensor {
        name: name.into(),
        datatype: datatype.into(),
        shape: shape.to_vec(),
        ..InferInputTensor::default()
    }
}

pub(crate) fn output(
    name: &str,
    parameter: Option<(&str, ParameterChoice)>,
) -> InferRequestedOutputTensor {
    let parameters = parameter.into_iter().map(|(key, choice)| (key.to_owned(), value(choice)));
    InferRequestedOutputTensor { name: name.into(), parameters: parameters.collect() }
}

pub(crate) fn value(choice: ParameterChoice) -> InferParameter {
    InferParameter { parameter_choice: Some(choice) }
}

pub(crate) fn parameters<const N: usize>(
    parameters: [(&str, ParameterChoice); N],
) -> HashMap<String, InferParameter> {
    parameters.map(|(key, choice)| (key.to_owned(), value(choice))).into()
}

/// Two rows for `arithmetic`, as typed contents.
pub(crate) fn good() -> ModelInferRequest {
    let input = |name, elements: [f32; 4]| InferInputTensor {
        contents: Some(InferTensorContents {
            fp32_contents: elements.to_vec(),
            ..InferTensorContents::default()
        }),
        ..tensor(name, "FP32", &[2, 2])
    };
    ModelInferRequest {
        model_name: "arithmetic".into(),
        inputs: vec![input("a", [1.0, 2.0, 3.0, 4.0]), input("b", [10.5, 20.0, 30.0, 40.0])],
        ..ModelInferRequest::default()
    }
}

/// One input of the model `identity`, raw.
pub(crate) fn raw(datatype: &str, shape: &[i64], bytes: &[u8]) -> ModelInferRequest {
    ModelInferRequest {
        model_name: "identity".into(),
        inputs: vec![tensor("x", datatype, shape)],
        raw_input_contents: vec![Bytes::copy_from_slice(bytes)],
        ..ModelInferRequest::default()
    }
}

pub(crate) fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

//! The [Open Inference Protocol](https://github.com/kserve/open-inference-protocol) (KServe v2) over
//! REST and gRPC, with the extensions of Triton that its clients use.
//!
//! | route | |
//! | --- | --- |
//! | `GET /v2` | server metadata |
//! | `GET /v2/health/live` | 200 while the process answers |
//! | `GET /v2/health/ready` | 200 once every model is loaded and warm, else 503 |
//! | `GET /v2/models` | names of the models |
//! | `GET /v2/models/{model}[/versions/{version}]` | what the model takes and gives |
//! | `GET /v2/models/{model}[/versions/{version}]/ready` | 200, or 503 while it is loading |
//! | `POST /v2/models/{model}[/versions/{version}]/infer` | inference: JSON, JSON and binary data, or a raw input |
//! | `GET /v2/models/{model}[/versions/{version}]/config` | how the model is run |
//! | `GET /v2/models[/{model}[/versions/{version}]]/stats` | what it has done so far |
//! | `POST /v2/repository/index` | every model and its state |
//! | `POST /v2/repository/models/{model}/{load,unload}` | with [`Server::with_control`] |
//! | `/v2/systemsharedmemory/…` | with the feature `shm` and `Server::with_shared_memory` |
//! | `GET /v2/openapi.json` | these routes as OpenAPI 3.1 |
//!
//! Errors are `{"error": "…"}` with the status of the table at [`mlops_core::Error`].
//!
//! With the feature `grpc`, `grpc_router` has the same as the service `inference.GRPCInferenceService`,
//! `ModelStreamInfer` included, beside `grpc.health.v1` and reflection.

pub(crate) mod binary;
#[cfg(feature = "http")]
mod classification;
#[cfg(feature = "http")]
mod config;
#[cfg(feature = "grpc")]
mod grpc;
pub(crate) mod headers;
pub(crate) mod json_data;
#[cfg(feature = "http")]
mod metadata;
#[cfg(feature = "http")]
mod parameters;
#[cfg(feature = "http")]
mod repository;
#[cfg(feature = "http")]
mod request;
#[cfg(feature = "http")]
mod rest;
#[cfg(feature = "http")]
mod server;
#[cfg(feature = "http")]
mod shared_memory;
#[cfg(feature = "http")]
mod statistics;

#[cfg(feature = "grpc")]
pub use self::grpc::{GrpcOptions, grpc_router};
#[cfg(feature = "nats")]
pub(crate) use self::rest::message;
#[cfg(feature = "http")]
pub use self::rest::{RestOptions, router};
#[cfg(feature = "http")]
pub use self::server::Server;
#[cfg(feature = "shm")]
pub use self::shared_memory::SharedMemory;

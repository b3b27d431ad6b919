//! [`grpc_router`].

use std::{convert::Infallible, sync::Arc};

use axum::{Router, extract::Request, middleware, response::IntoResponse};
use tonic::{codec::CompressionEncoding::Gzip, server::NamedService};
use tonic_health::pb::{FILE_DESCRIPTOR_SET, health_server::HealthServer};
use tonic_reflection::server::Builder;
use tower_service::Service as TowerService;

use super::{
    gate::{Gate, gate},
    generated::{DESCRIPTORS, grpc_inference_service_server::GrpcInferenceServiceServer},
    health::HealthService,
    options::GrpcOptions,
    service::Service,
};
use crate::protocol::oip::server::Server;

/// The protocol over gRPC, `grpc.health.v1`, and reflection (v1 and v1alpha), for a [`Server`], or for
/// models that make one: to be merged into the host's router, or served alone. It needs HTTP/2, which
/// [`serve`](crate::protocol::serve) speaks.
pub fn grpc_router(server: impl Into<Server>, options: GrpcOptions) -> Router {
    let GrpcOptions { max_message_bytes, max_stream_requests } = options;
    let server = Arc::new(server.into());
    let health = HealthServer::new(HealthService(Arc::clone(&server)));
    let gated = Gate { server, max_message_bytes };
    let service = Service { gate: gated.clone(), max_stream_requests };
    let inference = GrpcInferenceServiceServer::new(service)
        .max_decoding_message_size(max_message_bytes)
        .accept_compressed(Gzip)
        .send_compressed(Gzip);
    let router = with(Router::new(), inference);
    let router = with(router, health);
    let router = with_reflection(router);
    router.layer(middleware::from_fn_with_state(gated, gate))
}

/// Both versions of it: many tools still speak the older one.
fn with_reflection(router: Router) -> Router {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
    };
    let valid = "the descriptors were made with the code";
    let router = with(router, builder().build_v1().expect(valid));
    with(router, builder().build_v1alpha().expect(valid))
}

/// Adds a service under its name.
fn with<S>(router: Router, service: S) -> Router
where
    S: TowerService<Request, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    router.route_service(&format!("/{}/{{*method}}", S::NAME), service)
}

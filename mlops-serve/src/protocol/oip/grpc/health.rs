//! `grpc.health.v1`: the server as a whole, and each model by name, as `Models` has them when asked.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use mlops_core::Error;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_server::Health,
};

use super::{generated::grpc_inference_service_server::SERVICE_NAME, status::status};
use crate::protocol::{health::all_ready, oip::server::Server};

/// How often a watched status is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// The health service. A service is the empty name or the protocol's own, for the server; or
/// `MODEL` or `MODEL/VERSION`.
#[derive(Debug)]
pub(super) struct HealthService(pub(super) Arc<Server>);

impl HealthService {
    fn serving(server: &Server, service: &str) -> Result<ServingStatus, Error> {
        let is_serving = if service.is_empty() || service == SERVICE_NAME {
            all_ready(&*server.models)
        } else {
            let (name, version) = match service.split_once('/') {
                Some((name, version)) => (name, Some(version)),
                None => (service, None),
            };
            match server.find(name, version) {
                Ok(_) => true,
                Err(Error::Unavailable { .. }) => false,
                Err(error) => return Err(error),
            }
        };
        Ok(if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing })
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let serving = Self::serving(&self.0, &request.get_ref().service);
        serving.map(response).map(Response::new).map_err(|error| status(&error))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let mut ticks = interval(WATCH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let service = request.into_inner().service;
        Ok(Response::new(Watch { server: Arc::clone(&self.0), service, ticks, last: None }))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

/// A status at once, and again whenever it is another.
#[derive(Debug)]
pub(super) struct Watch {
    server: Arc<Server>,
    service: String,
    ticks: Interval,
    last: Option<ServingStatus>,
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.ticks.poll_tick(context).is_pending() {
                return Poll::Pending;
            }
            let serving = HealthService::serving(&self.server, &self.service);
            // It may become known: the protocol asks for a status here, not for an error.
            let serving = serving.unwrap_or(ServingStatus::ServiceUnknown);
            if self.last.replace(serving) != Some(serving) {
                return Poll::Ready(Some(Ok(response(serving))));
            }
        }
    }
}

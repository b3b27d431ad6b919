//! [`Client`]: HTTP within limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mlops_core::{Error, Result};
use reqwest::{
    RequestBuilder, Response, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{error, options::RemoteOptions};
use crate::protocol::oip::headers;

/// Connections to one server.
pub(super) struct Client {
    http: reqwest::Client,
    /// The server's address, before the protocol's paths. It may hold a password.
    base: Url,
    connections: Semaphore,
    /// Requests under way and waiting.
    places: Semaphore,
    max_requests: usize,
    max_response_bytes: usize,
}

/// An answer with status 200.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Connections and timers are tokio's, which panics without a runtime.
pub(super) fn require_runtime() -> Result<()> {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::invalid("runtime of a remote model", error)),
    }
}

/// The most that is read of an error.
const MAX_ERROR_BYTES: usize = 64 << 10;

impl Client {
    pub(super) fn new(base: &str, options: &RemoteOptions) -> Result<Self> {
        let invalid = |reason: &dyn std::fmt::Display| {
            Error::invalid("server address", format_args!("`{base}`: {reason}"))
        };
        let url = Url::parse(base).map_err(|error| invalid(&error))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid(&"it must be http:// or https:// and a host"));
        }
        let mut http = reqwest::Client::builder()
            // The environment is the host's to read.
            .no_proxy()
            .http1_only()
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.max_connections);
        if url.scheme() == "http" {
            // Or a machine without certificates could not be a client at all.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(error::backend)?;
        let connections = options.max_connections.clamp(1, Semaphore::MAX_PERMITS / 2);
        let waiting = options.max_waiting.min(Semaphore::MAX_PERMITS / 2);
        let max_requests = connections + waiting;
        Ok(Self {
            http,
            base: url,
            connections: Semaphore::new(connections),
            places: Semaphore::new(max_requests),
            max_requests,
            max_response_bytes: options.max_response_bytes,
        })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The address of this path, each segment of which may hold any characters.
    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    pub(super) async fn get(&self, url: Url) -> Result<Answer> {
        self.send(self.http.get(url)).await
    }

    pub(super) async fn post(&self, url: Url, headers: HeaderMap, body: Bytes) -> Result<Answer> {
        self.send(self.http.post(url).headers(headers).body(body)).await
    }

    /// Sends a request and reads its answer; an error if the server says so.
    async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let (_place, _connection) = self.connection().await?;
        let response = request.send().await.map_err(|error| error::sending(&self.base, error))?;
        let status = response.status();
        let headers = response.headers().clone();
        if status.is_success() {
            let body = self.read(response, self.max_response_bytes).await?;
            return Ok(Answer { headers, body });
        }
        // What cannot be read of an error does not change what it is.
        let limit = MAX_ERROR_BYTES.min(self.max_response_bytes);
        let body = self.read(response, limit).await.unwrap_or_default();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after = text(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
        Err(error::from_server(&error::Refusal {
            status: status.as_u16(),
            code: text(headers::ERROR_CODE),
            message: &error::message(&body),
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    /// A place among the requests, and a connection once there is one.
    async fn connection(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        let Ok(place) = self.places.try_acquire() else {
            let limit = self.max_requests as u64;
            let what = "remote model (requests)";
            return Err(Error::Overloaded { what, limit, retry_after: None });
        };
        match self.connections.acquire().await {
            Ok(connection) => Ok((place, connection)),
            // Nobody closes it.
            Err(_) => Err(Error::Closed { what: "remote model" }),
        }
    }

    async fn read(&self, mut response: Response, limit: usize) -> Result<Bytes> {
        let too_large =
            |actual| Error::TooLarge { what: "response body (bytes)", actual, limit: limit as u64 };
        if let Some(length) = response.content_length().filter(|length| *length > limit as u64) {
            return Err(too_large(length));
        }
        let broken = |error| error::sending(&self.base, error);
        // Most answers come in one piece, which need not be copied.
        let mut whole = response.chunk().await.map_err(broken)?.unwrap_or_default();
        let Some(second) = response.chunk().await.map_err(broken)? else {
            return if whole.len() > limit {
                Err(too_large(whole.len() as u64))
            } else {
                Ok(whole)
            };
        };
        let mut body = BytesMut::with_capacity(whole.len() + second.len());
        body.extend_from_slice(&whole);
        let mut next = Some(second);
        while let Some(chunk) = next {
            let length = body.len() + chunk.len();
            if length > limit {
                return Err(too_large(length as u64));
            }
            body.extend_from_slice(&chunk);
            next = response.chunk().await.map_err(broken)?;
        }
        whole = body.freeze();
        Ok(whole)
    }
}

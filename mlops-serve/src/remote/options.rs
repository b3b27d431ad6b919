//! [`RemoteOptions`].

use std::time::Duration;

use mlops_core::model::ModelVersion;
use serde::{Deserialize, Serialize};

/// Which version of a model is asked, and the limits of doing so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// The version to ask; without, the newest that is ready when the connection is made. It stays
    /// that one.
    pub version: Option<ModelVersion>,
    /// Connections at once; more requests wait for one.
    pub max_connections: usize,
    /// Requests that wait for a connection at once; more are refused as
    /// [`Overloaded`](mlops_core::Error::Overloaded).
    pub max_waiting: usize,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a request without a deadline may take.
    pub request_timeout: Duration,
    /// How long a connection that is not used is kept. Less than the server's own limit, so that no
    /// request meets a connection that is just being closed.
    pub idle_timeout: Duration,
    /// The largest answer in bytes.
    pub max_response_bytes: usize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            version: None,
            max_connections: 64,
            max_waiting: 1024,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(20),
            max_response_bytes: 64 << 20,
        }
    }
}

impl RemoteOptions {
    /// Sets the version to ask.
    #[must_use]
    pub fn with_version(mut self, version: ModelVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets how many connections there may be, and how many requests may wait for one.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize, waiting: usize) -> Self {
        self.max_connections = connections;
        self.max_waiting = waiting;
        self
    }

    /// Sets how long making a connection may take, and a request without a deadline.
    #[must_use]
    pub fn with_timeouts(mut self, connect: Duration, request: Duration) -> Self {
        self.connect_timeout = connect;
        self.request_timeout = request;
        self
    }

    /// Sets how long a connection that is not used is kept.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets the largest answer in bytes.
    #[must_use]
    pub fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }
}

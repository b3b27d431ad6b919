//! [`RestOptions`].

use std::sync::Arc;

#[cfg(feature = "shm")]
use crate::protocol::oip::SharedMemory;
use crate::{
    host::ModelControl,
    record::{NoRecorder, RequestRecorder},
};

/// Options of [`router`](super::router).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestOptions {
    /// The largest body in bytes, before and after decompression.
    pub max_body_bytes: usize,
    /// How deep arrays and objects in a body may be nested.
    pub max_json_depth: usize,
    /// The server's name in its metadata.
    pub server_name: String,
    /// The server's version in its metadata.
    pub server_version: String,
    /// Told of requests that are refused before a model sees them.
    pub recorder: Arc<dyn RequestRecorder>,
    /// Loads and unloads models when a client asks for it; without it, clients cannot.
    pub control: Option<Arc<dyn ModelControl>>,
    /// What clients may share with the server; without it, they cannot.
    #[cfg(feature = "shm")]
    pub shared_memory: Option<Arc<SharedMemory>>,
}

impl Default for RestOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 20,
            max_json_depth: 64,
            server_name: env!("CARGO_PKG_NAME").into(),
            server_version: env!("CARGO_PKG_VERSION").into(),
            recorder: Arc::new(NoRecorder),
            control: None,
            #[cfg(feature = "shm")]
            shared_memory: None,
        }
    }
}

impl RestOptions {
    /// Sets the largest body in bytes, before and after decompression.
    #[must_use]
    pub fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets how deep arrays and objects in a body may be nested.
    #[must_use]
    pub fn with_max_json_depth(mut self, depth: usize) -> Self {
        self.max_json_depth = depth;
        self
    }

    /// Sets the server's name and version in its metadata.
    #[must_use]
    pub fn with_server(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.server_name = name.into();
        self.server_version = version.into();
        self
    }

    /// Tells `recorder` of requests that are refused before a model sees them.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Arc<dyn RequestRecorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Lets clients load and unload models.
    #[must_use]
    pub fn with_control(mut self, control: Arc<dyn ModelControl>) -> Self {
        self.control = Some(control);
        self
    }

    /// Lets clients share memory with the server. Both transports may have the same.
    #[cfg(feature = "shm")]
    #[must_use]
    pub fn with_shared_memory(mut self, memory: Arc<SharedMemory>) -> Self {
        self.shared_memory = Some(memory);
        self
    }
}

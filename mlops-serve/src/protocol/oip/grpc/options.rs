//! [`GrpcOptions`].

/// Limits of [`grpc_router`](super::grpc_router).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrpcOptions {
    /// The largest message in bytes, before and after decompression.
    pub max_message_bytes: usize,
    /// Requests of one stream that are under way at once; the next ones wait to be read.
    pub max_stream_requests: usize,
}

impl Default for GrpcOptions {
    fn default() -> Self {
        Self { max_message_bytes: 64 << 20, max_stream_requests: 32 }
    }
}

impl GrpcOptions {
    /// Sets the largest message in bytes, before and after decompression.
    #[must_use]
    pub fn with_max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// Sets how many requests of one stream are under way at once.
    #[must_use]
    pub fn with_max_stream_requests(mut self, requests: usize) -> Self {
        self.max_stream_requests = requests;
        self
    }
}

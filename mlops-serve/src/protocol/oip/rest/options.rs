//! [`RestOptions`].

/// Limits of [`router`](super::router).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestOptions {
    /// The largest body in bytes, before and after decompression.
    pub max_body_bytes: usize,
    /// How deep arrays and objects in a body may be nested.
    pub max_json_depth: usize,
}

impl Default for RestOptions {
    fn default() -> Self {
        Self { max_body_bytes: 64 << 20, max_json_depth: 64 }
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
}

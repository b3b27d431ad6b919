//! Names of headers, for server and client.

/// Bytes of JSON before the binary data (binary tensor extension).
pub(crate) const JSON_LENGTH: &str = "inference-header-content-length";

/// [`mlops_core::Error::code`] of an error, which its status alone does not tell: our own addition.
pub(crate) const ERROR_CODE: &str = "error-code";

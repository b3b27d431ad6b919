//! The body of a request, read within the limit.

use axum::{extract::Request, http::header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mlops_core::{Error, Result};

use super::compression::{Encoding, ReadError};

/// Reads a body, decompressed, of at most `limit` bytes.
///
/// # Cancel safety
/// Dropping the future loses what was read.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes> {
    let too_large =
        |actual: u64| Error::TooLarge { what: "request body (bytes)", actual, limit: limit as u64 };
    let broken = |error| Err(Error::invalid("request body", format_args!("it broke off: {error}")));
    let encoding = Encoding::of_request(request.headers())?;
    // A client that says how much it will send is told at once that it is too much.
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(announced) = announced.filter(|announced| *announced > limit as u64) {
        return Err(too_large(announced));
    }
    let Some(encoding) = encoding else {
        return match Limited::new(request.into_body(), limit).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit as u64 + 1)),
            Err(error) => broken(error),
        };
    };
    encoding.read(request.into_body(), limit).await.or_else(|error| match error {
        ReadError::TooLarge => Err(too_large(limit as u64 + 1)),
        ReadError::Broken(error) => broken(format!("as {}: {error}", encoding.name()).into()),
    })
}

//! Errors on the wire.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use mlops_core::Error;

use crate::protocol::oip::headers::ERROR_CODE;

/// An error on its way to a client.
#[derive(Debug)]
pub(super) struct WireError(pub(super) Error);

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for WireError {
    fn into_response(self) -> Response {
        let mut response = error_response(status(&self.0), &self.0.report());
        if let Error::Overloaded { retry_after: Some(after), .. } = &self.0 {
            // Whole seconds; at least one, because zero means "at once".
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        let code = HeaderValue::from_static(self.0.code());
        response.headers_mut().insert(ERROR_CODE, code);
        if let Error::Unsupported { what: super::compression::WHAT, .. } = self.0 {
            let known = HeaderValue::from_static(super::compression::ENCODINGS);
            response.headers_mut().insert(header::ACCEPT_ENCODING, known);
        }
        response
    }
}

/// `{"error": message}`
pub(super) fn error_response(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": message }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The table at [`mlops_core::Error`].
fn status(error: &Error) -> StatusCode {
    match error {
        Error::InvalidTensor { .. } | Error::InvalidArgument { .. } => StatusCode::BAD_REQUEST,
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::AlreadyExists { .. } | Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::Refused { .. } => StatusCode::FORBIDDEN,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Unsupported { .. } => StatusCode::NOT_IMPLEMENTED,
        Error::Overloaded { .. } | Error::Unavailable { .. } | Error::Closed { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Error::DeadlineExceeded { .. } => StatusCode::GATEWAY_TIMEOUT,
        Error::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn retry_after_is_whole_seconds_and_never_zero() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
            let retry_after = Some(Duration::from_millis(millis));
            let error = Error::Overloaded { what: "queue (requests)", limit: 1, retry_after };
            let response = WireError(error).into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], seconds);
        }
    }
}

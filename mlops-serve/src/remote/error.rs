//! Errors of the wire and of the server in our words.

use std::{sync::Arc, time::Duration};

use mlops_core::Error;
use reqwest::Url;

const BACKEND: &str = "remote model";

/// What a server said instead of an answer.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) status: u16,
    /// The error's code, if the server is one of this crate.
    pub(super) code: Option<&'a str>,
    pub(super) message: &'a str,
    pub(super) retry_after: Option<Duration>,
}

/// An error whose request may have been executed.
pub(super) fn backend(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::backend(BACKEND, error)
}

/// A request that could not be sent, or an answer that could not be read to its end.
pub(super) fn sending(server: &Url, error: reqwest::Error) -> Error {
    // Without the address, which is said here, and which may hold a password.
    let error = error.without_url();
    if error.is_connect() {
        let reason = format!("{} cannot be reached: {}", host(server), chain(&error));
        return Error::unavailable(BACKEND, reason);
    }
    backend(format!("{}: {}", host(server), chain(&error)))
}

/// An answer that is not what the protocol says.
pub(super) fn malformed(server: &Url, reason: impl std::fmt::Display) -> Error {
    backend(format!("{} gave a malformed answer: {reason}", host(server)))
}

/// Host and port, without user and password.
pub(super) fn host(server: &Url) -> String {
    let port = server.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", server.scheme(), server.host_str().unwrap_or_default())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// The text of an error's body: its `error`, or what else there is, in part.
pub(super) fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct WireError {
        error: String,
    }
    match serde_json::from_slice(body) {
        Ok(WireError { error }) => error,
        Err(_) if body.is_empty() => "no reason given".into(),
        Err(_) => String::from_utf8_lossy(body).chars().take(200).collect(),
    }
}

/// The table at [`mlops_core::Error`], read backwards.
pub(super) fn from_server(refusal: &Refusal<'_>) -> Error {
    let Refusal { message, retry_after, .. } = *refusal;
    let code = refusal.code.unwrap_or_else(|| code_of(refusal));
    let quoted = message.split('`').nth(1);
    match code {
        "invalid_tensor" => invalid_tensor(message),
        "invalid_argument" => Error::invalid("remote request", message),
        "not_found" => match quoted {
            Some(name) => Error::not_found(kind(message), name),
            None => Error::not_found("remote object", message),
        },
        "already_exists" => match quoted {
            Some(name) => Error::already_exists(kind(message), name),
            None => Error::already_exists("remote object", message),
        },
        "conflict" => Error::Conflict {
            kind: kind(message),
            name: quoted.unwrap_or_default().into(),
            reason: message.into(),
        },
        "refused" => Error::Refused { what: "remote request", reasons: Arc::new([message.into()]) },
        "too_large" => {
            let (actual, limit) = message.split_once(" is over the limit").unwrap_or((message, ""));
            Error::TooLarge {
                what: "remote request",
                actual: number_after(actual, " of "),
                limit: number_after(limit, " of "),
            }
        }
        "unsupported" => Error::unsupported("remote server", message),
        "corrupt" => Error::corrupt(kind(message), quoted.unwrap_or_default(), message),
        "overloaded" => Error::Overloaded {
            what: "remote queue",
            limit: number_after(message, "(limit "),
            retry_after,
        },
        "deadline_exceeded" => Error::DeadlineExceeded { elapsed: Duration::ZERO },
        "cancelled" => Error::Cancelled,
        "out_of_memory" => Error::OutOfMemory { what: "remote server" },
        "unavailable" => Error::unavailable(BACKEND, message),
        "closed" => Error::Closed { what: "remote model" },
        _ => backend(format!("status {}: {message}", refusal.status)),
    }
}

/// What a status alone says.
fn code_of(refusal: &Refusal<'_>) -> &'static str {
    match refusal.status {
        400 | 422 => "invalid_argument",
        403 => "refused",
        404 => "not_found",
        408 | 504 => "deadline_exceeded",
        409 => "conflict",
        413 => "too_large",
        429 => "overloaded",
        499 => "cancelled",
        501 => "unsupported",
        503 if refusal.retry_after.is_some() => "overloaded",
        // Not 502: what is behind the proxy may have executed the request.
        503 => "unavailable",
        _ => "backend",
    }
}

/// Reads `` tensor `x`: expected …, got … ``.
fn invalid_tensor(message: &str) -> Error {
    let parsed = || {
        let (tensor, rest) = message.strip_prefix("tensor `")?.split_once("`: expected ")?;
        let (expected, actual) = rest.rsplit_once(", got ")?;
        Some(Error::invalid_tensor(tensor, expected, actual))
    };
    parsed().unwrap_or_else(|| Error::invalid_tensor("unknown", "what the server takes", message))
}

/// What kind of object a message is about: an error's field is one of a few words.
fn kind(message: &str) -> &'static str {
    let kinds = ["model version", "model file", "model", "tensor"];
    let is_about = |kind: &&&'static str| message.starts_with(&format!("{kind} `"));
    kinds.iter().find(is_about).copied().unwrap_or("remote object")
}

/// The number behind the last of these words; 0 if there is none.
fn number_after(message: &str, words: &str) -> u64 {
    let number = message.rsplit_once(words).map_or("", |(_, rest)| rest);
    let digits = number.find(|character: char| !character.is_ascii_digit());
    number[..digits.unwrap_or(number.len())].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_other_servers_are_understood() {
        for (status, retry_after, code) in [
            (400, None, "invalid_argument"),
            (404, None, "not_found"),
            (413, None, "too_large"),
            (429, None, "overloaded"),
            (500, None, "backend"),
            (501, None, "unsupported"),
            (502, None, "backend"),
            (503, None, "unavailable"),
            (503, Some(Duration::from_secs(2)), "overloaded"),
            (504, None, "deadline_exceeded"),
            (418, None, "backend"),
            (301, None, "backend"),
        ] {
            let refusal = Refusal { status, code: None, message: "no", retry_after };
            assert_eq!(from_server(&refusal).code(), code, "{status}");
        }
    }

    #[test]
    fn a_code_that_is_not_known_is_an_error_of_the_server() {
        let message = "queue is odd";
        let refusal = Refusal { status: 503, code: Some("odd"), message, retry_after: None };
        assert!(from_server(&refusal).report().contains(message));
    }

    #[test]
    fn bodies_that_are_not_json_are_quoted_in_part() {
        assert_eq!(message(b"{\"error\":\"no\"}"), "no");
        assert_eq!(message(b""), "no reason given");
        let page = "<html>".repeat(100);
        assert_eq!(message(page.as_bytes()), page[..200]);
    }
}

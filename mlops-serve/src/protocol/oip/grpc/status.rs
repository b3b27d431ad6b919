//! Errors on the wire, and the deadline that comes with a call.

use std::time::Duration;

use mlops_core::{Error, Result};
use tonic::{Code, Status, metadata::MetadataMap};

/// By the table at [`mlops_core::Error`].
pub(super) fn status(error: &Error) -> Status {
    Status::new(code(error), error.report())
}

fn code(error: &Error) -> Code {
    match error {
        Error::InvalidTensor { .. } | Error::InvalidArgument { .. } => Code::InvalidArgument,
        Error::NotFound { .. } => Code::NotFound,
        Error::AlreadyExists { .. } => Code::AlreadyExists,
        Error::Conflict { .. } => Code::Aborted,
        Error::Refused { .. } => Code::FailedPrecondition,
        Error::TooLarge { .. } | Error::Overloaded { .. } | Error::OutOfMemory { .. } => {
            Code::ResourceExhausted
        }
        Error::Unsupported { .. } => Code::Unimplemented,
        Error::Unavailable { .. } | Error::Closed { .. } => Code::Unavailable,
        Error::DeadlineExceeded { .. } => Code::DeadlineExceeded,
        Error::Cancelled => Code::Cancelled,
        Error::Corrupt { .. } => Code::DataLoss,
        _ => Code::Internal,
    }
}

/// How long the client waits for its call: at most eight digits and a unit.
pub(super) fn timeout(metadata: &MetadataMap) -> Result<Option<Duration>> {
    let Some(value) = metadata.get("grpc-timeout") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let unit = text.chars().next_back().map_or("", |last| &text[text.len() - last.len_utf8()..]);
    let digits = &text[..text.len() - unit.len()];
    let count = match digits.len() {
        1..=8 if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    let timeout = count.and_then(|count: u64| match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    });
    timeout
        .map(Some)
        .ok_or_else(|| Error::invalid("grpc-timeout", format_args!("{value:?} is not like 100m")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Option<Duration>> {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", text.parse().unwrap());
        timeout(&metadata)
    }

    #[test]
    fn timeouts_have_digits_and_a_unit() {
        assert_eq!(timeout(&MetadataMap::new()).unwrap(), None);
        for (text, expected) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("0S", Duration::ZERO),
            ("250m", Duration::from_millis(250)),
            ("99999999u", Duration::from_micros(99_999_999)),
            ("7n", Duration::from_nanos(7)),
        ] {
            assert_eq!(parse(text).unwrap(), Some(expected), "{text}");
        }
        for text in ["", "m", "1", "1x", "-1m", "+1m", "1.5m", "100000000m", "1 m"] {
            assert_eq!(parse(text).unwrap_err().code(), "invalid_argument", "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_timeout_is_parsed_or_refused(text in "[ -~]{0,12}") {
            drop(parse(&text));
        }
    }
}

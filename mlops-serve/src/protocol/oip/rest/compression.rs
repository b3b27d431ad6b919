//! Compressed bodies: requests by `Content-Encoding`, responses by `Accept-Encoding`.

use std::{
    io::{self, Cursor},
    pin::Pin,
};

use async_compression::{
    Level,
    tokio::bufread::{
        GzipDecoder, GzipEncoder, ZlibDecoder, ZlibEncoder, ZstdDecoder, ZstdEncoder,
    },
    zstd::DParameter,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mlops_core::{Error, Result};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio_util::io::{ReaderStream, StreamReader};

/// What an error about an unknown encoding names; it goes with the header `Accept-Encoding`.
pub(super) const WHAT: &str = "the decompression of requests";

/// The encodings of requests.
pub(super) const ENCODINGS: &str = "gzip, deflate, zstd";

/// Responses shorter than this are sent as they are: nothing would be saved.
const MIN_RESPONSE_BYTES: usize = 512;

/// Compressed and decompressed this many bytes at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Windows of 8 MiB, as HTTP asks for at most (RFC 9659): a header claims no more memory.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A content coding. `Deflate` is the zlib format, as in RFC 9110.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    /// Every coding, the preferred one first.
    const ALL: [Self; 3] = [Self::Zstd, Self::Gzip, Self::Deflate];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    /// The coding of a request's body; `None` for a body that is sent as it is.
    pub(super) fn of_request(headers: &HeaderMap) -> Result<Option<Self>> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return match headers.contains_key(header::CONTENT_ENCODING) {
                false => Ok(None),
                true => Err(Error::unsupported(WHAT, "several encodings at once")),
            };
        };
        let name = value.to_str().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("identity") {
            return Ok(None);
        }
        Self::parse(name).map(Some).ok_or_else(|| {
            Error::unsupported(WHAT, format_args!("{value:?}: send {ENCODINGS} or identity"))
        })
    }

    /// The coding that the client likes best, by its quality values; `None` for none.
    pub(super) fn for_response(accepted: &[HeaderValue], size_bytes: usize) -> Option<Self> {
        if size_bytes < MIN_RESPONSE_BYTES {
            return None;
        }
        let (mut best, mut best_quality, mut identity) = (None, 0.0_f32, 0.0_f32);
        let listed = accepted.iter().filter_map(|value| value.to_str().ok());
        for item in listed.flat_map(|text| text.split(',')) {
            let (name, quality) = item.split_once(';').unwrap_or((item, "q=1"));
            let quality = quality.trim().strip_prefix("q=").and_then(|text| text.parse().ok());
            let (name, quality) = (name.trim(), quality.unwrap_or(0.0));
            let preferred = |encoding| Self::ALL.iter().position(|other| *other == encoding);
            if name.eq_ignore_ascii_case("identity") {
                identity = quality;
            } else if let Some(encoding) = Self::parse(name)
                && (quality > best_quality
                    || quality == best_quality
                        && best.is_some_and(|best| preferred(encoding) < preferred(best)))
            {
                (best, best_quality) = (Some(encoding), quality);
            }
        }
        best.filter(|_| best_quality > identity)
    }

    /// The body, compressed while it is sent.
    pub(super) fn compress(self, body: Vec<u8>) -> Body {
        let body = Cursor::new(body);
        let reader: Pin<Box<dyn AsyncRead + Send>> = match self {
            Self::Gzip => Box::pin(GzipEncoder::with_quality(body, Level::Fastest)),
            Self::Deflate => Box::pin(ZlibEncoder::with_quality(body, Level::Fastest)),
            Self::Zstd => Box::pin(ZstdEncoder::with_quality(body, Level::Fastest)),
        };
        Body::from_stream(ReaderStream::with_capacity(reader, CHUNK_BYTES))
    }

    fn decompressor(
        self,
        body: impl AsyncBufRead + Send + 'static,
    ) -> Pin<Box<dyn AsyncRead + Send>> {
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(body);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Deflate => Box::pin(ZlibDecoder::new(body)),
            Self::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                let mut decoder = ZstdDecoder::with_params(body, &window);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        }
    }

    /// Reads a compressed body. It may have `limit` bytes, before and after.
    ///
    /// # Cancel safety
    /// Dropping the future loses what was read.
    pub(super) async fn read(self, body: Body, limit: usize) -> Result<Bytes, ReadError> {
        let body = Limited::new(body, limit).map_err(io::Error::other).into_data_stream();
        let mut reader = self.decompressor(StreamReader::new(body));
        let mut decompressed = Vec::new();
        loop {
            // One byte over the limit is enough to know.
            let room = CHUNK_BYTES.min(limit + 1 - decompressed.len());
            decompressed.reserve(room);
            let read = (&mut reader).take(room as u64).read_buf(&mut decompressed).await?;
            if decompressed.len() > limit {
                return Err(ReadError::TooLarge);
            }
            if read == 0 {
                return Ok(decompressed.into());
            }
            // What is there to read may become much more: let others run.
            tokio::task::coop::consume_budget().await;
        }
    }
}

/// Why a body could not be read.
#[derive(Debug)]
pub(super) enum ReadError {
    TooLarge,
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.get_ref() {
            Some(inner) if inner.is::<LengthLimitError>() => Self::TooLarge,
            _ => Self::Broken(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(accept: &'static str) -> Option<&'static str> {
        Encoding::for_response(&[HeaderValue::from_static(accept)], 1 << 20).map(Encoding::name)
    }

    #[test]
    fn the_client_chooses_by_quality() {
        for (accept, expected) in [
            ("", None),
            ("gzip", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("gzip, deflate", Some("gzip")),
            ("deflate, gzip, zstd, br", Some("zstd")),
            ("gzip;q=0.5, deflate;q=0.8", Some("deflate")),
            ("gzip; q=0.5 , identity;q=0.6", None),
            ("gzip, identity", None),
            ("gzip;q=0", None),
            ("gzip;q=x", None),
            ("br", None),
            ("*", None),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn bodies_round_trip_and_any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for encoding in Encoding::ALL {
                let compressed = encoding.compress(bytes.clone());
                let compressed = runtime.block_on(compressed.collect()).unwrap().to_bytes();
                let read = |bytes, limit| runtime.block_on(encoding.read(Body::from(bytes), limit));
                prop_assert_eq!(read(compressed.clone(), 1 << 20).unwrap(), bytes.clone());
                if let Ok(read) = read(bytes.clone().into(), 1 << 10) {
                    prop_assert!(read.len() <= 1 << 10);
                }
            }
        }
    }
}

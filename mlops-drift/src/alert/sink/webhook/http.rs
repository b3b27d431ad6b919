//! [`Client`]: one post, within limits.

use std::{fmt, sync::Arc};

use mlops_core::{Error, Result};
use ureq::{
    Agent,
    config::Config,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header::RETRY_AFTER},
    tls::{RootCerts, TlsConfig},
};

use super::{options::WebhookOptions, retry::Answer};

/// The most that is read of an answer, so that its connection can be used again.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Posts to one address.
pub(super) struct Client {
    agent: Agent,
    /// It may hold a secret, as Slack's do.
    url: Uri,
    headers: HeaderMap,
}

impl Client {
    /// # Errors
    /// [`Error::InvalidArgument`] for an address that is not `http` or `https` and a host, or holds a user;
    /// what it says does not quote the address.
    pub(super) fn new(url: &str, headers: HeaderMap, options: &WebhookOptions) -> Result<Self> {
        let invalid = |reason: &str| Err(Error::invalid("webhook address", reason));
        let Ok(url) = url.parse::<Uri>() else {
            return invalid("it is not a URL");
        };
        if !matches!(url.scheme_str(), Some("http" | "https"))
            || url.host().is_none_or(str::is_empty)
        {
            return invalid("it must be http:// or https:// and a host");
        }
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return invalid("a user and password belong into a header");
        }
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            // Named, so that no default of the process is asked for.
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .build();
        let request = Some(options.request_timeout);
        // No limit on everything together: a thread of its own would look up the name then.
        let agent = Config::builder()
            .timeout_connect(Some(options.connect_timeout))
            .timeout_send_request(request)
            .timeout_send_body(request)
            .timeout_recv_response(request)
            .timeout_recv_body(request)
            // The environment is the host's to read, and what the alert says is for this address only.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("mlops-drift/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .new_agent();
        Ok(Self { agent, url, headers })
    }

    /// Posts a body and says how it went. Blocks.
    pub(super) fn post(&self, content_type: &str, key: &str, body: &[u8]) -> Answer {
        let mut request = self.agent.post(self.url.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request = request.header("content-type", content_type).header("idempotency-key", key);
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(error) => return Answer::Broken(error.to_string()),
        };
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|text| text.to_str().ok()).map(str::to_owned);
        // The status is the answer; what follows it, whole or not, is nobody's concern.
        response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().ok();
        Answer::Status(status, retry_after)
    }

    /// Scheme, host and port: all of the address that may be shown.
    pub(super) fn server(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}", self.url.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server()).finish_non_exhaustive()
    }
}

/// A header, its value marked as a secret.
///
/// # Errors
/// [`Error::InvalidArgument`] for characters that a header cannot have, and names that the sink sets itself;
/// it does not quote the value.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let invalid = |reason: &str| Error::invalid("webhook header", format!("`{name}`: {reason}"));
    let Ok(parsed) = name.parse::<HeaderName>() else {
        return Err(invalid("it is not a header's name"));
    };
    let own = ["content-type", "content-length", "host", "idempotency-key", "transfer-encoding"];
    if own.contains(&parsed.as_str()) {
        return Err(invalid("the sink sets it"));
    }
    let Ok(mut value) = HeaderValue::from_str(value) else {
        return Err(invalid("its value has characters that a header cannot have"));
    };
    value.set_sensitive(true);
    Ok((parsed, value))
}

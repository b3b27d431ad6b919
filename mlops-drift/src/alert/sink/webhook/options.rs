//! [`WebhookOptions`].

use std::time::Duration;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::format::WebhookFormat;

/// No alert is worth sending after a day.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a [`WebhookSink`](super::WebhookSink) posts, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WebhookOptions {
    /// What a post looks like.
    pub format: WebhookFormat,
    /// Alerts that wait at most. When one more comes, the one that waits longest is dropped and counted: after
    /// an outage of the receiver, the newest say how things are.
    pub max_alerts: usize,
    /// Bytes of alerts that wait at most.
    pub max_bytes: usize,
    /// How long making a connection may take. Looking up the host's name is not in it: the operating system
    /// has limits of its own for that.
    pub connect_timeout: Duration,
    /// How long each of sending the alert, waiting for the answer, and reading it may take.
    pub request_timeout: Duration,
    /// How often an alert is sent at most, at least once. It is sent again if there was no connection or no
    /// whole answer, or one with status 429 or 5xx; any other answer is the last word.
    pub max_attempts: u32,
    /// About how long to wait before the second attempt. Before each further one it is twice as long; the
    /// wait is drawn from the upper half of that, so that many senders do not come back all at once.
    pub first_delay: Duration,
    /// How long to wait between attempts at most.
    pub max_delay: Duration,
    /// How long a receiver may ask to be left alone (`Retry-After`). The alert of one that asks for more has
    /// failed.
    pub max_retry_after: Duration,
}

impl Default for WebhookOptions {
    /// JSON; 1000 alerts and 1 MiB; 5 s to connect, 10 s for each step after; 5 attempts, half a second to a
    /// minute apart; up to 10 minutes if the receiver asks for them.
    fn default() -> Self {
        Self {
            format: WebhookFormat::Json,
            max_alerts: 1000,
            max_bytes: 1 << 20,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            max_attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(60),
            max_retry_after: Duration::from_secs(600),
        }
    }
}

impl WebhookOptions {
    /// Sets what a post looks like.
    #[must_use]
    pub fn with_format(mut self, format: WebhookFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets how many alerts may wait, and how many bytes of them.
    #[must_use]
    pub fn with_queue(mut self, max_alerts: usize, max_bytes: usize) -> Self {
        self.max_alerts = max_alerts;
        self.max_bytes = max_bytes;
        self
    }

    /// Sets how long making a connection may take, and each step of a request after it.
    #[must_use]
    pub fn with_timeouts(mut self, connect: Duration, request: Duration) -> Self {
        self.connect_timeout = connect;
        self.request_timeout = request;
        self
    }

    /// Sets how often an alert is sent at most.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets how long to wait before the second attempt, and before any at most.
    #[must_use]
    pub fn with_delays(mut self, first: Duration, max: Duration) -> Self {
        self.first_delay = first;
        self.max_delay = max;
        self
    }

    /// Sets how long a receiver may ask to be left alone.
    #[must_use]
    pub fn with_max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let zero = |name: &str| Err(Error::invalid("webhook options", format!("`{name}` is 0")));
        if self.max_alerts == 0 {
            return zero("max_alerts");
        }
        if self.max_bytes == 0 {
            return zero("max_bytes");
        }
        if self.max_attempts == 0 {
            return zero("max_attempts");
        }
        if self.connect_timeout.is_zero() {
            return zero("connect_timeout");
        }
        if self.request_timeout.is_zero() {
            return zero("request_timeout");
        }
        for (name, time) in [
            ("connect_timeout", self.connect_timeout),
            ("request_timeout", self.request_timeout),
            ("first_delay", self.first_delay),
            ("max_delay", self.max_delay),
            ("max_retry_after", self.max_retry_after),
        ] {
            if time > LONGEST {
                let reason = format!("`{name}`, {time:?}, is more than a day");
                return Err(Error::invalid("webhook options", reason));
            }
        }
        Ok(())
    }
}

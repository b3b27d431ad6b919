//! [`WebhookSink`].

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use mlops_core::{
    Error, Result,
    alert::{Alert, AlertSink},
    clock::{Clock, SystemClock},
    random::RandomKey,
};
use ureq::http::HeaderMap;

use super::{
    format::Writer,
    http::{Client, header},
    options::{LONGEST, WebhookOptions},
    queue::AlertQueue,
    retry::Retry,
    worker::{Shared, Worker},
};

/// Posts alerts to an address, on a thread of its own: [`raise`](AlertSink::raise) only puts them in line.
///
/// They are sent one after the other, in the order in which they came, and each again and again if need be,
/// as [`WebhookOptions`] say. All posts of one alert have the same header `Idempotency-Key`, by which a
/// receiver that has it already can tell. Redirects are not followed, and no proxy is used. Certificates are
/// judged by what the operating system trusts; on Linux, where that is can be said in `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`.
///
/// [`shutdown`](Self::shutdown) sends what waits. Without it, dropping the sink ends the thread as soon as the
/// post under way is over, and what waits is lost.
///
/// ```no_run
/// use std::{sync::Arc, time::Duration};
/// use mlops_drift::alert::{AlertMonitor, WebhookFormat, WebhookOptions, WebhookSink};
///
/// # fn main() -> mlops_core::Result<()> {
/// let options = WebhookOptions::default().with_format(WebhookFormat::alertmanager());
/// let webhook = WebhookSink::builder("https://alerts.example/api/v2/alerts", options)
///     .bearer_token("…")
///     .start()?;
/// let webhook = Arc::new(webhook);
/// let alerts = AlertMonitor::new(Vec::new(), vec![webhook.clone()])?;
/// // …
/// webhook.shutdown(Duration::from_secs(10))?;
/// # Ok(())
/// # }
/// ```
pub struct WebhookSink {
    shared: Arc<Shared>,
    server: String,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How many alerts a [`WebhookSink`] has sent and lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookStats {
    /// Alerts that the receiver took.
    pub sent: u64,
    /// Alerts that it refused, or could not be reached for often enough. A log line tells of each.
    pub failed: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Alerts for which there was no room, or no time before the end.
    pub dropped: u64,
    /// Alerts that wait now, without the one that is being sent.
    pub waiting: usize,
}

/// A [`WebhookSink`] that has not started yet.
#[must_use = "it does nothing before it is started"]
pub struct WebhookBuilder {
    url: String,
    options: WebhookOptions,
    headers: Result<HeaderMap>,
    clock: Arc<dyn Clock>,
    random: RandomKey,
}

impl WebhookSink {
    /// A sink that will post to this address.
    pub fn builder(url: impl Into<String>, options: WebhookOptions) -> WebhookBuilder {
        // Each process its own, so that many of them do not come back at the same time.
        let seed = RandomState::new().hash_one(());
        WebhookBuilder {
            url: url.into(),
            options,
            headers: Ok(HeaderMap::new()),
            clock: Arc::new(SystemClock),
            random: RandomKey::from_seed(seed).derive("webhook"),
        }
    }

    /// How many alerts were sent and lost so far.
    #[must_use]
    pub fn stats(&self) -> WebhookStats {
        let waiting = self.shared.state().queue.len();
        let [sent, failed, retried, dropped] =
            [&self.shared.sent, &self.shared.failed, &self.shared.retried, &self.shared.dropped]
                .map(|counter| counter.load(Ordering::Relaxed));
        WebhookStats { sent, failed, retried, dropped, waiting }
    }

    /// Takes no more alerts, sends those that wait, and ends the thread. Blocks until then, at most
    /// `within`, or a day. Alerts that come later count as dropped. A second time it waits again.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`] if there was not enough time: what still waits is dropped then. A post that
    /// is under way has its own limits, and the thread ends after it.
    pub fn shutdown(&self, within: Duration) -> Result<()> {
        let clock = &self.shared.clock;
        let start = clock.monotonic();
        let within = within.min(LONGEST);
        let deadline = start + within;
        let dropped = self.stats().dropped;
        self.shared.close(deadline);
        loop {
            let seen = self.shared.ended.seen();
            if self.shared.state().has_ended {
                break;
            }
            if clock.monotonic() >= deadline {
                return Err(Error::DeadlineExceeded { elapsed: within });
            }
            clock.wait(&self.shared.ended, seen, Some(deadline));
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            return Err(Error::Closed { what: "webhook thread" });
        }
        if self.stats().dropped > dropped {
            let elapsed = clock.monotonic().duration_since(start);
            return Err(Error::DeadlineExceeded { elapsed });
        }
        Ok(())
    }
}

impl AlertSink for WebhookSink {
    fn raise(&self, alert: &Alert) {
        let dropped = {
            let mut state = self.shared.state();
            if state.closing.is_some() || state.has_ended { 1 } else { state.queue.push(alert) }
        };
        self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.shared.work.raise();
    }
}

impl Drop for WebhookSink {
    fn drop(&mut self) {
        self.shared.close(self.shared.clock.monotonic());
    }
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSink")
            .field("server", &self.server)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl WebhookBuilder {
    /// Sends this token with every post, as `Authorization: Bearer …`.
    pub fn bearer_token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends this header with every post, in place of one of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers = self.headers.and_then(|mut headers| {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
            Ok(headers)
        });
        self
    }

    /// Takes the time between attempts from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Draws the time between attempts from this key, in place of one of the process's own.
    pub fn random(mut self, random: RandomKey) -> Self {
        self.random = random;
        self
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an address, a header, limits or a template that cannot be; none of
    /// them quotes a secret. [`Error::Backend`] if the operating system has no thread to give.
    pub fn start(self) -> Result<WebhookSink> {
        self.options.check()?;
        let client = Client::new(&self.url, self.headers?, &self.options)?;
        let writer = Writer::new(&self.options.format)?;
        let queue = AlertQueue::new(self.options.max_alerts, self.options.max_bytes);
        let shared = Arc::new(Shared::new(self.clock, queue));
        let server = client.server();
        let worker = Worker {
            shared: Arc::clone(&shared),
            client,
            writer,
            retry: Retry::new(&self.options),
            random: self.random,
        };
        let thread = thread::Builder::new()
            .name("mlops-webhook".into())
            .spawn(|| worker.run())
            .map_err(|error| Error::backend("threads", error))?;
        Ok(WebhookSink { shared, server, thread: Mutex::new(Some(thread)) })
    }
}

impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the address nor headers: both may hold secrets.
        f.debug_struct("WebhookBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}
